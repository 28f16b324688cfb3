//! What others send on our Pages (abuse case 27): seen by its echo or its delivery, and never silent.

use crate::support::*;
use amana_channel::webhook::InboundKind;
use amana_core::*;
use amana_flow::*;
use amana_store::{Alarm, AlarmKind};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const INBOX_APP: &str = "263902037430900";

fn echo(mid: &str, metadata: Option<MessageId>, app: Option<&str>) -> InboundKind {
    InboundKind::Echo { mid: mid.into(), metadata, app_id: app.map(Into::into) }
}

async fn alarms(rig: &Rig) -> Vec<Alarm> {
    let mut all = rig.store.alarms(false, 100).await.expect("answers");
    all.sort_by(|a, b| a.mid.cmp(&b.mid));
    all
}

/// A purchase that the customer is told of: the message.
async fn told(rig: &Rig) -> MessageId {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    let (_, _, message) = rig.channel.seen.lock().unwrap().last().expect("a message").clone();
    message
}

#[tokio::test]
async fn abuse_27_what_nobody_here_sent_is_an_alarm() {
    let allowed_apps = [INBOX_APP.to_owned()].into();
    let rig = Rig::with(Reconcile { allowed_apps, ..Reconcile::default() }).await;
    rig.link("1").await;
    // Our own, as the platform echoes them.
    let ours = told(&rig).await;
    rig.event("1", echo(&format!("m_{ours}"), Some(ours), Some("4242"))).await;
    // A human in the Page's inbox, who is allowed to be there.
    rig.event("1", echo("m_human", None, Some(INBOX_APP))).await;
    assert_eq!(alarms(&rig).await, []);
    // The Page's token, used beside us: by our app, by another, by whom the platform does not say.
    rig.event("1", echo("m_a", None, Some("4242"))).await;
    rig.event("1", echo("m_b", None, Some("31337"))).await;
    rig.event("1", echo("m_c", None, None)).await;
    // With an id of our form, or a copied one, also while another app controls the thread.
    rig.event("1", echo("m_d", Some(MessageId::from_bytes([9; 16])), Some("4242"))).await;
    rig.event("1", InboundKind::Standby(Box::new(echo("m_e", Some(ours), Some("4242"))))).await;
    rig.event("2", echo("m_f", Some(ours), Some("4242"))).await;
    let found: Vec<_> = alarms(&rig).await.into_iter().map(|a| (a.mid, a.kind)).collect();
    assert_eq!(
        found,
        [
            ("m_a".into(), AlarmKind::NoMetadata),
            ("m_b".into(), AlarmKind::OtherApp),
            ("m_c".into(), AlarmKind::NoMetadata),
            ("m_d".into(), AlarmKind::UnknownMessage),
            ("m_e".into(), AlarmKind::TooMany),
            ("m_f".into(), AlarmKind::OtherRecipient),
        ]
    );
    assert!(rig.store.kills().await.unwrap().0.is_empty(), "only an alarm, as configured");
}

#[tokio::test]
async fn abuse_27_an_alarm_can_stop_the_page() {
    let rig = Rig::with(Reconcile { on_unknown: OnUnknown::Kill, ..Reconcile::default() }).await;
    rig.link("1").await;
    rig.event("1", echo("m_a", None, Some("4242"))).await;
    let kills = rig.store.kills().await.unwrap().0;
    assert_eq!(kills[0].scope, KillScope::Channel(conversation("1").channel));
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").is_empty(), "nothing leaves on this Page until an operator has looked");
}

#[tokio::test]
async fn abuse_27_a_delivery_of_what_nobody_sent_is_an_alarm_after_a_while() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let ours = told(&rig).await;
    let mids = vec![format!("m_{ours}"), "m_thief".to_owned(), String::new()];
    rig.event("1", InboundKind::Delivery { mids, watermark: rig.clock.now() }).await;
    assert_eq!(alarms(&rig).await, []);
    rig.clock.advance_s(300);
    let stop = CancellationToken::new();
    let jobs = tokio::spawn(Arc::clone(&rig.gateway).run_jobs(stop.clone()));
    for _ in 0..200 {
        if !alarms(&rig).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    jobs.await.expect("it ends");
    let found: Vec<_> = alarms(&rig).await.into_iter().map(|a| (a.mid, a.kind)).collect();
    assert_eq!(found, [("m_thief".into(), AlarmKind::UnknownDelivery)]);
}
