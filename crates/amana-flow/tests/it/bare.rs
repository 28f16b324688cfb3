//! A channel that has nothing of what can be lacking, as Telegram's row in `ARCHITECTURE.md`: no window, inbox, record
//! of what was said, approved texts or sign of typing. All that people need goes on, and nothing is tried that the
//! channel would refuse.

use crate::support::*;
use amana_channel::messenger::INBOX_APP;
use amana_channel::webhook::InboundKind;
use amana_core::*;
use amana_flow::*;
use amana_store::OutboxState;

async fn purchase(rig: &Rig, id: &str, minor: i64) {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
}

fn refused(rig: &Rig) -> Vec<&'static str> {
    rig.channel.lacking.lock().unwrap().clone()
}

/// A gateway on it, of which the configuration says that people answer in an inbox, which it has not.
async fn bare() -> Rig {
    let mut rig = Rig::on(true).await;
    let allowed_apps = [INBOX_APP.to_owned()].into();
    rig.gateway = build_with(
        rig.store.clone(),
        &rig.bank,
        rig.channel.clone(),
        rig.clock.clone(),
        std::sync::Arc::new(SeededEntropy::new(31)),
        (log_parts(), Reconcile { allowed_apps, ..Reconcile::default() }),
    );
    rig.link("1").await;
    rig
}

#[tokio::test]
async fn a_bare_channel_answers_and_tells_at_any_time() {
    let rig = bare().await;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("Everyday Checking"), "a question");
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").concat().contains("4.50"), "an update");
    // Nobody is away where there is no window: news are told at once, and nothing waits.
    rig.clock.advance_s(5 * 86_400);
    purchase(&rig, "t2", 460).await;
    assert!(rig.sees("1").concat().contains("4.60"), "news after days");
    assert_eq!(rig.store.counts().await.unwrap().news_waiting, 0);
    let payload = Some("v1:news".to_owned());
    rig.event("1", InboundKind::Postback { mid: Some("tap".into()), payload, title: None, referral: None })
        .await;
    assert!(rig.sees("1").concat().contains("nothing new"));
    assert_eq!(refused(&rig), Vec::<&str>::new());
}

#[tokio::test]
async fn who_asks_for_a_person_on_a_bare_channel_is_answered_and_stays() {
    let rig = bare().await;
    let payload = Some("v1:person".to_owned());
    rig.event("1", InboundKind::Postback { mid: Some("tap".into()), payload, title: None, referral: None })
        .await;
    assert_eq!(rig.sees("1").len(), 1);
    rig.clock.advance_s(600);
    rig.gateway.settle().await.expect("settled");
    assert!(rig.channel.passed.lock().unwrap().is_empty());
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").concat().contains("4.50"), "the conversation is ours still");
    assert_eq!(refused(&rig), Vec::<&str>::new());
    assert_eq!(rig.store.counts().await.unwrap().jobs_dead, 0);
}

/// A message in doubt is sent once more, and then put aside: no record can be asked, and no echo tells.
#[tokio::test]
async fn a_message_in_doubt_on_a_bare_channel_is_sent_once_more_at_most() {
    for (fates, seen, state) in [
        (vec![Fate::LoseSilently], 1, OutboxState::Sent),
        (vec![Fate::DeliverSilently; 5], 2, OutboxState::Dead),
    ] {
        let rig = bare().await;
        rig.channel.fates.lock().unwrap().extend(fates);
        purchase(&rig, "t1", 450).await;
        let message = rig.store.outbox_heads(Timestamp::MAX, &[], 1).await.unwrap()[0].row.message;
        rig.hears(6_000).await;
        assert_eq!(rig.sees("1").len(), seen);
        assert_eq!(rig.store.outbox_entry(message).await.unwrap().expect("there").state, state);
        assert_eq!(refused(&rig), Vec::<&str>::new());
    }
}

/// What was not told to us for an hour cannot be fetched: the platform is asked to tell again, and nothing else.
#[tokio::test]
async fn nothing_is_fetched_where_no_record_is_kept() {
    let rig = bare().await;
    *rig.channel.missed.lock().unwrap() = vec!["message".into()];
    rig.gateway.look_after_channels().await;
    rig.gateway.settle().await.expect("settled");
    assert!(rig.channel.missed.lock().unwrap().is_empty(), "it was asked to tell us again");
    rig.clock.advance_s(86_400);
    rig.gateway.look_after_channels().await;
    rig.gateway.settle().await.expect("settled");
    assert_eq!(refused(&rig), Vec::<&str>::new());
    let counts = rig.store.counts().await.unwrap();
    assert_eq!((counts.jobs_dead, counts.inbox_failed), (0, 0));
}
