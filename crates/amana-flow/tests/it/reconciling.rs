//! What others send on our Pages (abuse case 27): seen by its echo or its delivery, and never silent.

use crate::support::*;
use amana_channel::webhook::{EchoWords, InboundKind};
use amana_core::*;
use amana_flow::*;
use amana_gate::ReceiptKind;
use amana_store::{Alarm, AlarmKind, OutboxState};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const INBOX_APP: &str = "263902037430900";

fn echo(mid: &str, metadata: Option<MessageId>, app: Option<&str>) -> InboundKind {
    InboundKind::Echo { mid: mid.into(), metadata, app_id: app.map(Into::into), words: EchoWords::default() }
}

/// An echo of our id and app that says this.
fn saying(mid: &str, message: MessageId, words: &[&str]) -> InboundKind {
    let words = EchoWords(words.iter().map(|word| (*word).to_owned()).collect());
    InboundKind::Echo { mid: mid.into(), metadata: Some(message), app_id: Some("4242".into()), words }
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

/// Whoever has the Page's token knows the id of a message that is on its way, and sends other words under it. In the
/// doubt that a lost answer leaves, its echo would pass for ours by its id alone.
#[tokio::test]
async fn abuse_27_other_words_under_an_id_of_ours_are_an_alarm() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::DeliverSilently);
    let ours = told(&rig).await;
    let bytes = rig.channel.last.lock().unwrap().clone();
    let sent: serde_json::Value = serde_json::from_str(&bytes).expect("JSON");
    let text = sent["message"]["text"].as_str().expect("a text").to_owned();
    let state = async || rig.store.outbox_entry(ours).await.unwrap().expect("is there").state;

    rig.event("1", saying("m_a", ours, &["Your account is locked. Tell us your password."])).await;
    rig.event("1", saying("m_b", ours, &[&text, "https://thief.example/"])).await;
    rig.event("1", saying("m_c", ours, &["[image]"])).await;
    // The same words by another app.
    let other = InboundKind::Echo {
        mid: "m_d".into(),
        metadata: Some(ours),
        app_id: Some("31337".into()),
        words: EchoWords(vec![text.clone()]),
    };
    rig.event("1", other).await;
    let found: Vec<_> = alarms(&rig).await.into_iter().map(|a| (a.mid, a.kind, a.message)).collect();
    let words = |mid: &str| (mid.to_owned(), AlarmKind::OtherWords, Some(ours));
    let app = ("m_d".to_owned(), AlarmKind::OtherApp, Some(ours));
    assert_eq!(found, [words("m_a"), words("m_b"), words("m_c"), app]);
    assert_eq!(state().await, OutboxState::Unconfirmed, "none of them was ours");
    // Ours, as the platform has it: white space and marks of direction are its own.
    rig.event("1", saying("m_ours", ours, &[&format!(" {} ", text.replace(' ', "  "))])).await;
    assert_eq!(alarms(&rig).await.len(), 4);
    assert_eq!(state().await, OutboxState::Sent);
    // The customer sees it, too.
    let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
    let seen = view.timeline.iter().filter(|e| e.kind == ReceiptKind::Sighting);
    let mut seen: Vec<_> = seen.map(|e| e.note.clone().expect("what")).collect();
    seen.sort();
    assert_eq!(seen, ["other-app", "other-words", "other-words", "other-words"]);
}

/// What people write by hand is no alarm, and not unseen either: when, and by which app.
#[tokio::test]
async fn what_people_write_in_the_inbox_is_on_the_customers_timeline() {
    let allowed_apps = [INBOX_APP.to_owned()].into();
    let rig = Rig::with(Reconcile { allowed_apps, ..Reconcile::default() }).await;
    let cookie = rig.link("1").await;
    for _ in 0..2 {
        rig.event("1", echo("m_human", None, Some(INBOX_APP))).await;
        rig.event("2", echo("m_another", None, Some(INBOX_APP))).await;
    }
    assert_eq!(alarms(&rig).await, []);
    let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
    let seen: Vec<_> = view.timeline.iter().filter(|e| e.kind == ReceiptKind::Sighting).collect();
    assert_eq!(seen.len(), 1, "in this chat, once");
    assert_eq!(seen[0].note.as_deref(), Some(format!("allowed-app:{INBOX_APP}").as_str()));
    let filter = TimelineFilter { kind: Some(Looked::Others), ..TimelineFilter::default() };
    let view = rig.gateway.privacy_part(&cookie, &filter).await.expect("the page");
    assert_eq!(view.timeline.len(), 1);
}
