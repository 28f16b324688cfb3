//! What holds on every engine. Each test gets a new store.

use crate::agreements::*;
use crate::alarms::*;
use crate::disclosure_log::*;
use crate::exact::*;
use crate::hints::*;
use crate::keeping::*;
use crate::kept::*;
use crate::outbox::*;
use crate::pages::*;
use crate::passkeys::*;
use crate::place::Place;
use crate::policies::*;
use crate::shared::*;
use crate::upkeep::*;
use crate::waiting::*;
use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_store::*;
use std::collections::BTreeSet;
use std::sync::Arc;

macro_rules! suite {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let world = super::World::on(super::Place::sqlite()).await;
                super::$name(&world).await;
                world.close().await;
            }
        )+ }
        mod on_postgres { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let world = super::World::on(super::Place::postgres().await).await;
                super::$name(&world).await;
                world.close().await;
            }
        )+ }
    };
}

suite!(
    an_event_is_taken_in_once,
    an_event_that_was_decided_as_it_came_is_known_and_in_order,
    an_event_that_was_taken_back_is_empty_whenever_it_comes,
    lanes_keep_their_order,
    a_refused_submission_changes_nothing,
    submissions_of_one_batch_do_not_share_their_fate,
    conversations,
    customers_have_keys,
    links_come_and_go,
    consents_are_granted_and_revoked,
    a_consents_events_are_chained_and_kept,
    receipts_have_no_gaps_under_concurrency,
    what_the_gate_ticketed_comes_back_and_leaves,
    one_flipped_byte_and_it_does_not_leave,
    a_custody_that_is_away_is_waited_for_and_a_lost_key_is_an_alarm,
    a_disclosure_without_its_receipt_is_refused,
    conversations_send_in_order,
    a_claim_that_was_interrupted_comes_back,
    held_messages_wait_for_the_customer,
    an_echo_settles_what_was_unclear,
    an_echo_corrects_what_was_thought_of_a_message,
    a_doubt_stays,
    what_is_over_stays_over,
    dead_letters_can_be_replayed,
    stories,
    books,
    of_two_refreshes_one_wins,
    a_consent_at_the_bank_leads_to_its_links,
    a_hint_is_taken_once_and_hastens_its_job,
    a_hint_can_leave_its_word_with_the_look,
    tokens_work_once,
    sessions,
    a_page_is_kept_with_its_receipt_and_opened_once,
    a_page_goes_with_its_link_and_by_its_time,
    passkeys_are_kept_once_and_every_use_is_counted,
    a_passkey_put_back_does_not_open,
    agreements_count_their_versions,
    every_act_on_an_agreement_is_kept,
    consents_are_counted,
    policies_count_their_versions,
    kill_switches,
    jobs,
    the_place_of_an_index_entry_is_reserved_once,
    a_history_that_was_changed_in_the_database_is_not_led_on,
    a_segment_ends_when_it_is_long_or_old,
    many_receipts_of_a_commit_follow_each_other,
    what_a_batch_keeps_is_what_it_writes,
    another_store_writes_between,
    an_erasure_ends_what_is_kept,
    what_is_refused_leaves_no_gap_in_the_log,
    a_rule_change_is_an_entry_and_its_document_is_kept,
    the_newest_checkpoint_stays,
    newest_receipts_come_first,
    failed_events_can_be_replayed,
    records_set_aside_are_noted_once,
    the_platform_and_the_banks_have_heads_of_their_own,
    paused_channels_are_left_out,
    attempts_that_do_not_count,
    a_message_is_not_held_if_the_customer_wrote_meanwhile,
    what_is_behind_a_held_message_is_held,
    an_echo_records_the_outcome,
    after_a_restart_echoes_come_first,
    one_active_link,
    links_of_a_customer_and_of_a_conversation,
    newer_news_take_the_place_of_older_and_are_taken_once,
    who_can_be_told_is_who_was_here_and_is_nobody_elses,
    what_a_denied_message_would_have_told_is_untold,
    what_goes_at_any_time_waits_for_nobody,
    channels_texts_alarms_and_requests_are_on_record,
    a_chat_that_wants_to_be_forgotten_leaves_no_words,
    a_message_is_covered_by_its_row_alone,
    an_attempt_in_doubt_may_be_seen_twice,
    what_others_send_is_explained_or_an_alarm,
    flags_are_read_without_a_key,
    switches_are_turned_without_a_key,
    the_outbox_is_read_in_pages_between_two_instants,
    a_delivery_that_nothing_names_is_an_alarm_after_a_while,
    who_has_the_chat_is_told_of_what_others_sent,
    a_damaged_history_silences_no_alarm,
    an_alarm_is_closed_whatever_can_be_recorded,
    a_delivery_of_what_is_in_doubt_is_only_unknown,
    a_receipt_is_of_its_row_alone,
    a_humans_words_are_for_those_whose_chat_it_is,
    an_erasure_takes_what_is_under_the_deployments_key,
    an_erasure_leaves_what_is_for_the_other_customer_of_a_chat,
    a_chat_of_which_everybody_is_erased_keeps_nothing,
    a_humans_words_under_the_others_key_go_with_who_is_erased,
    what_stays_of_a_chat_goes_to_the_oldest_link_whose_key_opens,
    a_sweep_removes_what_is_over,
    a_sweep_is_bounded,
    a_sweep_ends_messages_whose_ticket_is_over,
    an_erasure_leaves_nothing_of_one_and_all_of_another,
    an_erasure_takes_a_bounded_number_of_rows_at_a_time,
    the_erased_are_listed_in_pages,
    a_customers_stories_come_in_pages,
    links_that_a_customer_ever_had,
    customers_without_a_link_for_long_are_idle,
    a_jobs_key_ends_with_the_job,
    a_sweep_removes_what_was_kept_long_enough,
    what_was_said_goes_with_its_link_and_the_receipts_stay,
    what_was_said_goes_whether_or_not_it_can_be_recorded,
    the_retention_report_says_what_is_kept_and_what_went,
    how_long_data_is_kept_is_told_at_the_opening,
    everything_survives_a_restart,
    another_master_key_does_not_open_it,
    bounds,
    nothing_protected_is_readable_in_the_database,
    what_a_sweep_ends_is_on_the_customers_record,
    a_row_that_does_not_decode_is_damage_and_takes_no_other_along,
    an_erasure_reaches_no_chat_that_was_never_confirmed,
);

async fn an_event_is_taken_in_once(w: &World) {
    assert_eq!(w.one(Command::Accept(event(1, 1))).await, Outcome::Changed);
    assert_eq!(w.one(Command::Accept(event(1, 1))).await, Outcome::Duplicate);
    assert_eq!(w.one(Command::Accept(event(2, 1))).await, Outcome::Changed, "another shard, another event");
    let twice = vec![Command::Accept(event(1, 2)), Command::Accept(event(1, 2))];
    assert_eq!(w.store.submit(twice).await.expect("kept"), [Outcome::Changed, Outcome::Duplicate]);
    // It is known by its key, of its own shard alone.
    let known = [event(1, 1), event(1, 3), event(1, 2)].map(|event| event.key);
    assert_eq!(w.store.known_events(event(1, 1).shard, &known).await.expect("answers"), [known[0], known[2]]);
    assert_eq!(w.store.known_events(event(5, 1).shard, &known).await.expect("answers"), []);
    // Many at once, each three times, so that they share batches.
    let mut tasks = Vec::new();
    for n in 0..150u8 {
        let store = Arc::clone(&w.store);
        tasks.push(tokio::spawn(async move {
            let pair = vec![Command::Accept(event(9, n % 50)), Command::Accept(event(8, n % 50))];
            store.submit(pair).await.expect("kept")
        }));
    }
    let mut new = 0;
    for task in tasks {
        new += task.await.expect("runs").iter().filter(|o| **o == Outcome::Changed).count();
    }
    assert_eq!(new, 100);
    assert_eq!(w.store.counts().await.expect("answers").inbox_waiting, 103);
}

async fn an_event_that_was_decided_as_it_came_is_known_and_in_order(w: &World) {
    let look = |lane: u8, n: u8| {
        let NewInbox { shard, lane, key, .. } = event(lane, n);
        async move { w.store.inbox_look(shard, &key, &lane).await.expect("answers") }
    };
    assert_eq!(look(1, 1).await, (false, false));
    assert_eq!(w.one(Command::AcceptDecided(event(1, 1))).await, Outcome::Changed);
    assert_eq!(look(1, 1).await, (true, false), "known, and nothing waits");
    // Again, by either way; what was with it is not kept.
    assert_eq!(w.one(Command::Accept(event(1, 1))).await, Outcome::Duplicate);
    let again = vec![Command::Accept(event(4, 9)), Command::AcceptDecided(event(1, 1))];
    assert_eq!(w.refused(again).await, (1, "event"));
    assert_eq!(look(4, 9).await, (false, false));
    // What waits comes first, in its own lane alone.
    w.one(Command::Accept(event(1, 2))).await;
    assert_eq!(look(1, 3).await, (false, true));
    assert_eq!(w.refused(vec![Command::AcceptDecided(event(1, 3))]).await, (0, "order of events"));
    assert_eq!(w.one(Command::AcceptDecided(event(2, 3))).await, Outcome::Changed);
    let [first] = waiting(&w.store, 0, 9).await.try_into().expect("one waits");
    let (shard, position) = (first.shard, first.position);
    w.one(Command::FinishInbox { shard, position, result: InboxResult::Done }).await;
    assert_eq!(w.one(Command::AcceptDecided(event(1, 3))).await, Outcome::Changed);
    assert_eq!(w.store.counts().await.expect("answers").inbox_waiting, 0);
}

async fn an_event_that_was_taken_back_is_empty_whenever_it_comes(w: &World) {
    let take = |n: u8| {
        let NewInbox { shard, lane, key, source, .. } = event(2, n);
        Command::TakeBack { shard, lane, key, source, at: at(50) }
    };
    let heads = || async { w.store.inbox_heads(at(60), InboxSource::Chat, 9).await.expect("answers") };
    let finish =
        |row: &InboxRow, result| Command::FinishInbox { shard: row.shard, position: row.position, result };
    // One that waits, even if somebody works on it; what comes after it in its lane is next.
    let both = vec![Command::Accept(event(2, 1)), Command::Accept(event(2, 2))];
    w.store.submit(both).await.expect("kept");
    let [first] = heads().await.try_into().expect("the head of the lane");
    assert_eq!(w.one(take(1)).await, Outcome::Changed);
    assert_eq!(keys(&heads().await), [2]);
    let late = vec![Command::Accept(event(4, 9)), finish(&first, InboxResult::Done)];
    assert_eq!(w.refused(late).await, (1, "inbox event"), "its effects are not kept");
    // One that was given up: nothing of it is there for anybody to look at or to try again.
    let [second] = heads().await.try_into().expect("the head of the lane");
    w.one(finish(&second, InboxResult::Failed { reason: "damaged".into() })).await;
    assert_eq!(w.one(take(2)).await, Outcome::Changed);
    assert!(w.store.inbox_failed(9).await.expect("answers").is_empty());
    let again = Command::ReplayInbox { shard: second.shard, position: second.position };
    w.refused(vec![again]).await;
    // One that is yet to come; and twice is once.
    assert_eq!(w.one(take(3)).await, Outcome::Changed);
    assert_eq!(w.one(take(3)).await, Outcome::Unchanged);
    for n in 1..=3 {
        assert_eq!(w.one(Command::Accept(event(2, n))).await, Outcome::Duplicate);
    }
    assert!(heads().await.is_empty());
    let counts = w.store.counts().await.expect("answers");
    assert_eq!((counts.inbox_waiting, counts.inbox_failed), (0, 0));
    // Another's key in the same shard is another event.
    assert_eq!(w.one(Command::Accept(event(2, 4))).await, Outcome::Changed);
    let keys: Vec<_> = (1..=9).map(|n| event(2, n).key).collect();
    let known = w.store.inbox_known(event(2, 1).shard, &keys).await.expect("answers");
    let stands: Vec<_> = keys.iter().filter_map(|key| known.get(key)).collect();
    let waits = KnownEvent::Waits(event(2, 4).body);
    assert_eq!(stands, [&KnownEvent::Over, &KnownEvent::Over, &KnownEvent::Over, &waits]);
}

fn keys(rows: &[InboxRow]) -> Vec<u8> {
    rows.iter().map(|row| row.key.0[0]).collect()
}

async fn lanes_keep_their_order(w: &World) {
    for (lane, n) in [(1, 10), (1, 11), (2, 20), (1, 12)] {
        w.one(Command::Accept(event(lane, n))).await;
    }
    let heads = waiting(&w.store, 0, 10).await;
    assert_eq!(keys(&heads), [10, 20], "one for each lane, oldest first");
    assert_eq!(keys(&waiting(&w.store, 0, 1).await), [10]);
    let (first, sent) = (&heads[0], event(1, 10));
    assert_eq!(
        (first.shard, first.lane, first.key, first.source),
        (sent.shard, sent.lane, sent.key, sent.source)
    );
    assert_eq!((first.attempts, first.received_at, &first.body), (0, sent.received_at, &sent.body));
    assert_eq!(heads[1].source, InboxSource::Chat);

    let finish =
        |row: &InboxRow, result| Command::FinishInbox { shard: row.shard, position: row.position, result };
    w.one(finish(first, InboxResult::Retry { not_before: at(60), counts: true })).await;
    assert_eq!(keys(&waiting(&w.store, 59, 10).await), [20], "it keeps its lane back");
    let heads = waiting(&w.store, 60, 10).await;
    assert_eq!((keys(&heads), heads[0].attempts), (vec![10, 20], 1));

    assert_eq!(w.one(finish(&heads[0], InboxResult::Done)).await, Outcome::Changed);
    let again = w.refused(vec![finish(&heads[0], InboxResult::Done)]).await;
    assert_eq!(again, (0, "inbox event"));
    let heads = waiting(&w.store, 60, 10).await;
    assert_eq!(keys(&heads), [11, 20]);
    w.one(finish(&heads[0], InboxResult::Failed { reason: "unreadable".into() })).await;
    assert_eq!(keys(&waiting(&w.store, 60, 10).await), [20, 12], "given up, the next comes");
    let unknown =
        Command::FinishInbox { shard: Shard(3), position: heads[0].position, result: InboxResult::Done };
    assert_eq!(w.refused(vec![unknown]).await.1, "inbox event");
    // Redelivered after it was done or given up: still known.
    assert_eq!(w.one(Command::Accept(event(1, 10))).await, Outcome::Duplicate);
    assert_eq!(w.one(Command::Accept(event(1, 11))).await, Outcome::Duplicate);
    let counts = w.store.counts().await.expect("answers");
    assert_eq!((counts.inbox_waiting, counts.inbox_failed), (2, 1));
}

async fn a_refused_submission_changes_nothing(w: &World) {
    w.customer(1).await;
    let consume = || Command::ConsumeToken { hash: [9; 32], now: at(0) };
    let record =
        || Command::Record { shard: Shard(1), customer: customer_id(1), receipt: draft(ReceiptKind::Denial) };
    let mixed = vec![Command::Accept(event(1, 1)), record(), consume(), Command::Accept(event(1, 2))];
    assert_eq!(w.refused(mixed).await, (2, "token"));
    assert!(waiting(&w.store, 0, 10).await.is_empty());
    assert!(w.chain(1).await.is_empty());
    assert_eq!(w.one(record()).await, Outcome::Receipt(1), "the number was not used up");
    let message = w.store.submit(vec![consume()]).await.expect_err("refused").to_string();
    assert_eq!(message, "the token (command 0 of the submission) is not as expected; nothing was changed");
}

async fn submissions_of_one_batch_do_not_share_their_fate(w: &World) {
    w.customer(1).await;
    let mut tasks = Vec::new();
    for n in 0..60u8 {
        let store = Arc::clone(&w.store);
        tasks.push(tokio::spawn(async move {
            let mut commands = vec![
                Command::Accept(event(n, n)),
                Command::Record {
                    shard: Shard(1),
                    customer: customer_id(1),
                    receipt: draft(ReceiptKind::View),
                },
            ];
            if n % 3 == 0 {
                commands.push(Command::TakeSession { hash: [n; 32] });
            }
            (n, store.submit(commands).await)
        }));
    }
    let mut kept = BTreeSet::new();
    for task in tasks {
        let (n, answer) = task.await.expect("runs");
        if n % 3 == 0 {
            assert_eq!(conflict(answer), (2, "session"));
        } else {
            assert!(matches!(answer.expect("kept")[..], [Outcome::Changed, Outcome::Receipt(_)]));
            kept.insert(n);
        }
    }
    let heads = waiting(&w.store, 0, 100).await;
    assert_eq!(keys(&heads).into_iter().collect::<BTreeSet<_>>(), kept);
    assert_eq!(w.chain(1).await.len(), kept.len());
}

async fn customers_have_keys(w: &World) {
    assert!(w.store.customer(Shard(1), customer_id(1)).await.expect("answers").is_none());
    let wrapped_key = w.wrapped_key(customer_id(1)).await;
    let create = |id_: CustomerId, subject: [u8; 32], wrapped_key: &[u8]| Command::CreateCustomer {
        shard: Shard(1),
        id: id_,
        institution: id("cedar-bank"),
        subject,
        wrapped_key: wrapped_key.to_vec(),
        at: at(3),
    };
    w.one(create(customer_id(1), [1; 32], &wrapped_key)).await;
    let stored = w.store.customer(Shard(1), customer_id(1)).await.expect("answers").expect("is there");
    let again =
        w.another().await.customer(Shard(1), customer_id(1)).await.expect("answers").expect("is there");
    assert_eq!(stored.key.mac(&[b"x"]), again.key.mac(&[b"x"]), "another process has the same key");
    assert_eq!(
        (stored.shard, stored.institution.as_str(), stored.created_at),
        (Shard(1), "cedar-bank", at(3))
    );
    let found = w.store.customer_by_subject(&id("cedar-bank"), &[1; 32]).await.expect("answers");
    assert_eq!(found.expect("is there").id, customer_id(1));
    assert!(w.store.customer_by_subject(&id("other-bank"), &[1; 32]).await.expect("answers").is_none());
    assert!(w.store.customer(Shard(2), customer_id(1)).await.expect("answers").is_none());
    let other = w.wrapped_key(customer_id(2)).await;
    assert_eq!(
        w.refused(vec![create(customer_id(2), [1; 32], &other)]).await,
        (0, "customer"),
        "same subject"
    );
    assert_eq!(
        w.refused(vec![create(customer_id(1), [2; 32], &wrapped_key)]).await,
        (0, "customer"),
        "same id"
    );
    assert_eq!(w.refused(vec![create(customer_id(2), [2; 32], &wrapped_key)]).await, (0, "customer key"));
    // Made and rolled back, then made with another key: what was cached for the first must not be used.
    let failing = vec![
        create(customer_id(2), [2; 32], &other),
        Command::Record { shard: Shard(1), customer: customer_id(2), receipt: draft(ReceiptKind::View) },
        Command::TakeSession { hash: [0; 32] },
    ];
    assert_eq!(w.refused(failing).await, (2, "session"));
    let wrapped = w.wrapped_key(customer_id(2)).await;
    assert_ne!(wrapped, other);
    w.one(create(customer_id(2), [2; 32], &wrapped)).await;
    let stored = w.store.customer(Shard(1), customer_id(2)).await.expect("answers").expect("is there");
    let again =
        w.another().await.customer(Shard(1), customer_id(2)).await.expect("answers").expect("is there");
    assert_eq!(stored.key.mac(&[b"x"]), again.key.mac(&[b"x"]));
}

async fn links_come_and_go(w: &World) {
    assert_eq!(w.refused(vec![Command::CreateLink(link(1, 1, LinkState::Active))]).await, (0, "customer"));
    w.customer(1).await;
    let pending = link(1, 1, LinkState::Pending);
    w.one(Command::CreateLink(pending.clone())).await;
    assert!(!w.store.is_link_active(pending.id).await.expect("answers"), "it binds nobody yet");
    assert!(!pending.was_confirmed());
    assert_eq!(w.refused(vec![Command::CreateLink(pending.clone())]).await, (0, "link"));
    assert_eq!(w.store.link(Shard(1), pending.id).await.expect("answers").as_ref(), Some(&pending));
    assert_eq!(w.store.link(Shard(2), pending.id).await.expect("answers"), None);
    assert_eq!(w.store.link_by_code(&[1; 32]).await.expect("answers").as_ref(), Some(&pending));
    assert_eq!(w.store.link_by_code(&[2; 32]).await.expect("answers"), None);
    assert!(w.store.links_of_account(&id("cedar-bank"), &id("acc-1")).await.expect("answers").is_empty());
    // A second link with a smaller id comes later all the same. It is at another bank, which has the same account.
    let second = Link {
        id: LinkId::from_bytes([0; 16]),
        institution: id("other-bank"),
        ..link(0, 1, LinkState::Active)
    };
    w.one(Command::CreateLink(second.clone())).await;
    let of_conversation = w.store.links_of_conversation(&conversation(1)).await.expect("answers");
    assert_eq!(of_conversation, [pending.clone(), second.clone()]);

    let set = |from, to| Command::SetLink { shard: Shard(1), id: pending.id, from, to, at: at(9) };
    assert_eq!(w.refused(vec![set(LinkState::Active, LinkState::Ended)]).await, (0, "link"));
    assert_eq!(w.one(set(LinkState::Pending, LinkState::Active)).await, Outcome::Changed);
    assert_eq!(w.refused(vec![set(LinkState::Pending, LinkState::Active)]).await, (0, "link"));
    assert_eq!(w.store.link_by_code(&[1; 32]).await.expect("answers"), None, "the code worked once");
    let active = Link { state: LinkState::Active, code_hash: None, ..pending };
    let of_account = w.store.links_of_account(&id("cedar-bank"), &id("acc-1")).await.expect("answers");
    assert_eq!(of_account, std::slice::from_ref(&active));
    assert!(w.store.links_of_account(&id("other"), &id("acc-1")).await.expect("answers").is_empty());
    assert_eq!(w.store.counts().await.expect("answers").links_active, 2);
    assert!(w.store.is_link_active(active.id).await.expect("answers"));
    w.one(set(LinkState::Active, LinkState::Ended)).await;
    assert!(!w.store.is_link_active(active.id).await.expect("answers"));
    let ended = w.store.link(Shard(1), active.id).await.expect("answers").expect("is there");
    assert_eq!(ended, Link { state: LinkState::Ended, ended_at: Some(at(9)), ..active });
    assert!(ended.was_confirmed());
    // One that ends without its code is known for that ever after, and the code works no more.
    let never = Link { psid: id("nobody"), ..link(4, 1, LinkState::Pending) };
    w.one(Command::CreateLink(never.clone())).await;
    let (from, to) = (LinkState::Pending, LinkState::Ended);
    w.one(Command::SetLink { shard: Shard(1), id: never.id, from, to, at: at(9) }).await;
    let never = w.store.link(Shard(1), never.id).await.expect("answers").expect("is there");
    assert!(!never.was_confirmed());
    assert_eq!(w.store.link_by_code(&[4; 32]).await.expect("answers"), None);
    assert_eq!(
        w.store.links_of_conversation(&conversation(1)).await.expect("answers"),
        std::slice::from_ref(&second)
    );
    assert!(w.store.links_of_account(&id("cedar-bank"), &id("acc-1")).await.expect("answers").is_empty());
    assert_eq!(w.store.links_of_account(&id("other-bank"), &id("acc-1")).await.expect("answers"), [second]);
}

async fn consents_are_granted_and_revoked(w: &World) {
    let grant = |c: &Consent| Command::GrantConsent {
        shard: Shard(1),
        consent: c.clone(),
        basis: basis(),
        receipt: ReceiptDraft::of_consent_given(c, None, at(0)),
    };
    let revoke = |c: &Consent, customer: u8| Command::RevokeConsent {
        shard: Shard(1),
        customer: customer_id(customer),
        consent: c.id,
        why: ConsentEnd::Withdrawn,
        at: at(5),
        receipt: ReceiptDraft::of_consent_end(c, ConsentEnd::Withdrawn, at(5)),
    };
    let first = consent(9, 1, 1);
    assert_eq!(w.refused(vec![grant(&first)]).await, (0, "customer"));
    w.customer(1).await;
    assert_eq!(w.one(grant(&first)).await, Outcome::Receipt(1));
    let second = consent(2, 1, 1);
    assert_eq!(w.refused(vec![grant(&second)]).await, (0, "consent"), "one active consent on a link");
    assert_eq!(w.refused(vec![grant(&first)]).await, (0, "consent"));
    let too_long = Consent { expires_at: at(400 * 86_400), ..consent(3, 1, 2) };
    assert_eq!(w.refused(vec![grant(&too_long)]).await, (0, "consent"));
    let revoked_already = Consent { state: ConsentState::Revoked, ..consent(3, 1, 2) };
    assert_eq!(w.refused(vec![grant(&revoked_already)]).await, (0, "consent"));
    assert_eq!(w.refused(vec![revoke(&first, 2)]).await, (0, "consent"), "not that customer's");
    assert_eq!(w.store.consent_of_link(Shard(1), first.link).await.expect("answers").as_ref(), Some(&first));
    // Changed is revoked and granted anew, in one commit.
    let outcomes = w.store.submit(vec![revoke(&first, 1), grant(&second)]).await.expect("kept");
    assert_eq!(outcomes, [Outcome::Receipt(2), Outcome::Receipt(3)]);
    let ended = Consent { state: ConsentState::Revoked, revoked_at: Some(at(5)), ..first.clone() };
    let all = w.store.consents(Shard(1), customer_id(1)).await.expect("answers");
    assert_eq!(all, [second.clone(), ended.clone()], "newest first");
    assert_eq!(w.store.consent_of_link(Shard(1), first.link).await.expect("answers"), Some(second.clone()));
    assert_eq!(w.refused(vec![revoke(&first, 1)]).await, (0, "consent"), "once");
    w.one(revoke(&second, 1)).await;
    let newest = w.store.consent_of_link(Shard(1), first.link).await.expect("answers").expect("is there");
    assert_eq!((newest.id, newest.state), (second.id, ConsentState::Revoked));
    let other_link = consent(4, 1, 2);
    w.one(grant(&other_link)).await;
    assert_eq!(w.chain(1).await.len(), 5);
    assert!(w.store.consents(Shard(1), customer_id(2)).await.expect("answers").is_empty());
}

async fn receipts_have_no_gaps_under_concurrency(w: &World) {
    w.customer(1).await;
    w.customer(2).await;
    let mut tasks = Vec::new();
    for n in 0..16u8 {
        let store = Arc::clone(&w.store);
        tasks.push(tokio::spawn(async move {
            let mut seqs = Vec::new();
            for _ in 0..10 {
                let customer = 1 + n % 2;
                let record = Command::Record {
                    shard: Shard(u16::from(customer)),
                    customer: customer_id(customer),
                    receipt: draft(ReceiptKind::Denial),
                };
                match store.submit(vec![record]).await.expect("kept")[..] {
                    [Outcome::Receipt(seq)] => seqs.push(seq),
                    ref other => panic!("{other:?}"),
                }
            }
            seqs
        }));
    }
    let mut seqs = Vec::new();
    for task in tasks {
        seqs.extend(task.await.expect("runs"));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=80u64).flat_map(|n| [n, n]).collect::<Vec<_>>());
    assert_eq!((w.chain(1).await.len(), w.chain(2).await.len()), (80, 80));
    let some = w.store.receipts(Shard(1), customer_id(1), 40, 3).await.expect("answers");
    assert_eq!(some.iter().map(|r| r.seq).collect::<Vec<_>>(), [40, 41, 42]);
    assert!(w.store.receipts(Shard(1), customer_id(1), 81, 3).await.expect("answers").is_empty());
    assert!(w.store.receipts(Shard(1), customer_id(9), 0, 3).await.expect("answers").is_empty());
    assert_eq!(w.store.counts().await.expect("answers").receipts, 160);
    let unknown =
        Command::Record { shard: Shard(1), customer: customer_id(9), receipt: draft(ReceiptKind::View) };
    assert_eq!(w.refused(vec![unknown]).await, (0, "customer"));
}

async fn stories(w: &World) {
    let mut story = Story {
        shard: Shard(1),
        customer: customer_id(1),
        key: [3; 32],
        state: StoryState::Authorised,
        told: Told::from_stored([4; 32]),
        at: at(1),
        by: None,
    };
    let ask = || w.store.story(Shard(1), customer_id(1), &[3; 32]);
    assert_eq!(w.refused(vec![Command::PutStory(story.clone())]).await, (0, "customer"), "nobody's");
    w.customer(1).await;
    assert_eq!(ask().await.expect("answers"), None);
    for state in [StoryState::Authorised, StoryState::Posted, StoryState::Reversed, StoryState::Untold] {
        story = Story { state, told: Told::from_stored([state as u8; 32]), at: at(state as i64), ..story };
        w.one(Command::PutStory(story.clone())).await;
        assert_eq!(ask().await.expect("answers").as_ref(), Some(&story));
    }
    assert_eq!(w.store.story(Shard(1), customer_id(2), &[3; 32]).await.expect("answers"), None);
}

async fn books(w: &World) {
    let book = |n: u8, sealed: &[u8], second| BookRow {
        shard: Shard(1),
        customer: customer_id(1),
        key: [n; 32],
        sealed: sealed.to_vec(),
        changed_at: at(second),
    };
    let ask = |n: u8| async move { w.store.book(Shard(1), customer_id(1), &[n; 32]).await.expect("answers") };
    assert_eq!(w.refused(vec![Command::PutBook(book(1, b"none", 1))]).await, (0, "customer"), "nobody's");
    w.customer(1).await;
    assert_eq!(ask(1).await, None);
    for (second, sealed) in [(1, b"one".as_slice()), (2, b"another")] {
        w.one(Command::PutBook(book(1, sealed, second))).await;
        assert_eq!(ask(1).await, Some(book(1, sealed, second)));
    }
    assert_eq!(ask(2).await, None);
    assert_eq!(w.store.book(Shard(1), customer_id(2), &[1; 32]).await.expect("answers"), None);
    // It ends by time, counted from its last change.
    w.one(Command::PutBook(book(2, b"old", 0))).await;
    let now = at(1).checked_add(std::time::Duration::from_secs(45 * 86_400)).expect("a time");
    w.one(Command::Sweep { now, keep: amana_store::Retention::default() }).await;
    assert_eq!(ask(2).await, None);
    assert!(ask(1).await.is_some());
}

async fn of_two_refreshes_one_wins(w: &World) {
    let put = |tokens: &[u8], expected| Command::PutBankGrant { grant: grant(1, tokens), expected };
    let one = LinkId::from_bytes([1; 16]);
    assert_eq!(w.refused(vec![put(b"a", 0)]).await, (0, "customer"));
    w.customer(1).await;
    assert!(w.store.bank_grant(Shard(1), one).await.expect("answers").is_none());
    assert_eq!(w.refused(vec![put(b"a", 1)]).await, (0, "bank grant"));
    w.one(put(b"first", 0)).await;
    assert_eq!(w.refused(vec![put(b"a", 0)]).await, (0, "bank grant"));
    let mut tasks = Vec::new();
    for n in 0..8u8 {
        let store = Arc::clone(&w.store);
        tasks.push(tokio::spawn(async move {
            let refreshed = Command::PutBankGrant { grant: grant(1, &[n]), expected: 1 };
            store.submit(vec![refreshed]).await.is_ok().then_some(n)
        }));
    }
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.expect("runs"));
    }
    assert_eq!(winners.len(), 1);
    let stored = w.store.bank_grant(Shard(1), one).await.expect("answers").expect("is there");
    assert_eq!((stored.version, &stored.tokens), (2, &winners));
    assert_eq!((stored.bank_consent.as_deref(), stored.at), (Some("bank-consent-MARKER"), at(1)));
    assert_eq!((stored.customer, stored.link), (customer_id(1), one));
    // Another link of the customer has its own.
    let other = LinkId::from_bytes([2; 16]);
    w.one(Command::PutBankGrant { grant: BankGrant { link: other, ..grant(1, b"other") }, expected: 0 })
        .await;
    let drop_it = |expected| Command::DropBankGrant { shard: Shard(1), link: one, expected };
    for wrong in [0, 1, 3] {
        assert_eq!(w.refused(vec![drop_it(wrong)]).await, (0, "bank grant"), "version 2 is stored");
    }
    assert_eq!(w.one(drop_it(2)).await, Outcome::Changed);
    assert_eq!(w.refused(vec![drop_it(2)]).await, (0, "bank grant"));
    assert_eq!(w.one(drop_it(0)).await, Outcome::Unchanged);
    let stays = w.store.bank_grant(Shard(1), other).await.expect("answers").expect("is there");
    assert_eq!((stays.version, stays.tokens.as_slice()), (1, b"other".as_slice()));
    // The sealed tokens of one link do not open as another's.
    let row = w.place.bytes(other.as_bytes());
    w.place
        .sql(&format!("UPDATE bank_grant SET link = {} WHERE link = {row}", w.place.bytes(&[3; 16])))
        .await;
    assert!(w.store.bank_grant(Shard(1), LinkId::from_bytes([3; 16])).await.is_err());
    assert!(w.store.bank_grant(Shard(1), one).await.expect("answers").is_none());
    let without = BankGrant { bank_consent: None, ..grant(1, b"anew") };
    w.one(Command::PutBankGrant { grant: without, expected: 0 }).await;
    let stored = w.store.bank_grant(Shard(1), one).await.expect("answers").expect("is there");
    assert_eq!((stored.version, stored.bank_consent), (1, None));
}

async fn tokens_work_once(w: &World) {
    let consume = |n: u8, second| Command::ConsumeToken { hash: [n; 32], now: at(second) };
    w.one(Command::PutToken(token(1))).await;
    assert_eq!(w.refused(vec![Command::PutToken(token(1))]).await, (0, "token"));
    assert_eq!(w.store.token(&[1; 32]).await.expect("answers"), Some(token(1)), "asking does not use it up");
    assert_eq!(w.store.token(&[2; 32]).await.expect("answers"), None);
    assert_eq!(w.refused(vec![consume(1, 600)]).await, (0, "token"), "its time is over");
    assert_eq!(w.refused(vec![consume(2, 0)]).await, (0, "token"), "unknown");
    let mut tasks = Vec::new();
    for n in 0..16u8 {
        let store = Arc::clone(&w.store);
        tasks.push(tokio::spawn(async move {
            // With an event beside it, so that the batch has something to undo for the fifteen.
            let consume = Command::ConsumeToken { hash: [1; 32], now: at(5) };
            store.submit(vec![Command::Accept(event(n, n)), consume]).await.is_ok()
        }));
    }
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.expect("runs"));
    }
    assert_eq!(won, 1);
    assert_eq!(w.store.counts().await.expect("answers").inbox_waiting, 1);
    let used = w.store.token(&[1; 32]).await.expect("answers").expect("is there");
    assert_eq!(used.consumed_at, Some(at(5)));
}

async fn sessions(w: &World) {
    let session = Session { hash: [1; 32], body: b"state=MARKER".to_vec(), expires_at: at(100) };
    w.one(Command::PutSession(session.clone())).await;
    assert!(w.store.session(&[1; 32], at(99)).await.expect("answers") == Some(session.clone()));
    assert!(w.store.session(&[1; 32], at(100)).await.expect("answers").is_none(), "over");
    assert!(w.store.session(&[2; 32], at(0)).await.expect("answers").is_none());
    let longer = Session { body: b"more".to_vec(), expires_at: at(200), ..session };
    w.one(Command::PutSession(longer.clone())).await;
    assert!(w.store.session(&[1; 32], at(150)).await.expect("answers") == Some(longer));
    w.one(Command::TakeSession { hash: [1; 32] }).await;
    assert_eq!(w.refused(vec![Command::TakeSession { hash: [1; 32] }]).await, (0, "session"));
    assert!(w.store.session(&[1; 32], at(0)).await.expect("answers").is_none());
}

async fn jobs(w: &World) {
    for n in [2, 1, 3] {
        w.one(Command::Enqueue(job(n))).await;
    }
    assert_eq!(w.refused(vec![Command::Enqueue(job(1))]).await, (0, "job"));
    assert_eq!(w.store.jobs_due(at(2), 10).await.expect("answers"), [job(1), job(2)]);
    assert_eq!(w.store.jobs_due(at(9), 1).await.expect("answers"), [job(1)]);
    let finish = |n: u8, outcome| Command::FinishJob { id: [n; 16], outcome };
    w.one(finish(1, JobOutcome::Retry { at: at(50) })).await;
    w.one(finish(2, JobOutcome::Done)).await;
    assert_eq!(w.refused(vec![finish(2, JobOutcome::Done)]).await, (0, "job"));
    let put_off = Job { due_at: at(50), attempts: 1, ..job(1) };
    assert_eq!(w.store.jobs_due(at(50), 10).await.expect("answers"), [job(3), put_off.clone()]);
    let end = Job { kind: JobKind::EndLink, ..job(4) };
    w.one(Command::Enqueue(end.clone())).await;
    assert_eq!(w.store.jobs_due(at(50), 10).await.expect("answers"), [job(3), end, put_off]);
    // Looks at grants have a queue of their own.
    let look = Job { kind: JobKind::LookAtGrant, due_at: at(1), ..job(5) };
    w.one(Command::Enqueue(look.clone())).await;
    assert!(!w.store.jobs_due(at(50), 10).await.expect("answers").contains(&look));
    assert_eq!(w.store.grant_looks_due(at(50), 10).await.expect("answers"), [look]);
    assert!(w.store.grant_looks_due(at(0), 10).await.expect("answers").is_empty(), "not due yet");
    w.one(finish(5, JobOutcome::Done)).await;
    // So have polls. One goes on with what it learned; what hastened it meanwhile holds.
    let poll = Job { kind: JobKind::Poll, due_at: at(1), ..job(6) };
    w.one(Command::Enqueue(poll.clone())).await;
    assert!(!w.store.jobs_due(at(50), 10).await.expect("answers").contains(&poll));
    assert_eq!(w.store.polls_due(at(50), 10).await.expect("answers"), std::slice::from_ref(&poll));
    w.one(finish(6, JobOutcome::Retry { at: at(2) })).await;
    let go_on = |was, next, body: &[u8]| Command::ContinueJob {
        id: [6; 16],
        was: at(was),
        at: at(next),
        body: body.to_vec(),
    };
    let hasten = |when| Command::HastenJob { id: [6; 16], at: at(when) };
    w.one(go_on(2, 40, b"cursor")).await;
    assert!(w.store.polls_due(at(39), 10).await.expect("answers").is_empty());
    let learned = |due| Job { body: b"cursor".to_vec(), due_at: at(due), attempts: 0, ..poll.clone() };
    assert_eq!(w.store.polls_due(at(40), 10).await.expect("answers"), [learned(40)]);
    assert_eq!(w.one(hasten(41)).await, Outcome::Unchanged, "it is due earlier");
    assert_eq!(w.one(hasten(20)).await, Outcome::Changed);
    w.one(go_on(40, 80, b"cursor")).await;
    assert_eq!(w.store.polls_due(at(50), 10).await.expect("answers"), [learned(20)], "hastened meanwhile");
    w.one(finish(6, JobOutcome::Done)).await;
    assert_eq!(w.refused(vec![go_on(20, 80, b"")]).await, (0, "job"));
    assert_eq!(w.one(hasten(1)).await, Outcome::Unchanged, "it is gone");
    // A dead one stays, and is over.
    w.one(finish(3, JobOutcome::Dead)).await;
    assert_eq!(w.store.jobs_due(at(50), 10).await.expect("answers").len(), 2);
    assert_eq!(w.store.counts().await.expect("answers").jobs_dead, 1);
    for outcome in [JobOutcome::Done, JobOutcome::Retry { at: at(50) }, JobOutcome::Dead] {
        assert_eq!(w.refused(vec![finish(3, outcome)]).await, (0, "job"));
    }
    assert_eq!(w.refused(vec![Command::Enqueue(job(3))]).await, (0, "job"), "its id is known");
    for n in [1, 3] {
        assert_eq!(w.one(Command::CancelJob { id: [n; 16] }).await, Outcome::Changed);
        assert_eq!(w.one(Command::CancelJob { id: [n; 16] }).await, Outcome::Unchanged);
    }
    assert_eq!(w.store.counts().await.expect("answers").jobs_dead, 0);
    assert_eq!(w.store.jobs_due(at(50), 10).await.expect("answers").len(), 1);
}

async fn everything_survives_a_restart(w: &World) {
    let customer = w.customer(1).await;
    let given = consent(1, 1, 1);
    w.one(Command::GrantConsent {
        shard: Shard(1),
        consent: given.clone(),
        basis: basis(),
        receipt: draft(ReceiptKind::Consent),
    })
    .await;
    w.one(Command::Accept(event(1, 1))).await;
    w.one(disclose(1, w.disclosure(&customer, &given, 1), 0)).await;
    w.one(Command::PutBankGrant { grant: grant(1, b"tokens"), expected: 0 }).await;
    let again = w.another().await;
    let inbox = waiting(&again, 0, 10).await;
    let outbox = again.outbox_heads(at(0), &[], 10).await.expect("answers");
    assert_eq!((keys(&inbox), messages(&outbox)), (vec![1], vec![1]));
    assert!(w.release(outbox[0].row.clone(), &given, &customer.key).is_ok());
    assert_eq!(again.consents(Shard(1), customer_id(1)).await.expect("answers"), [given]);
    let stored =
        again.bank_grant(Shard(1), LinkId::from_bytes([1; 16])).await.expect("answers").expect("is there");
    assert_eq!(stored.tokens, b"tokens");
    // Numbers go on, they do not start anew.
    let record =
        Command::Record { shard: Shard(1), customer: customer_id(1), receipt: draft(ReceiptKind::View) };
    let outcomes = again.submit(vec![record, Command::Accept(event(2, 2))]).await.expect("kept");
    assert_eq!(outcomes, [Outcome::Receipt(3), Outcome::Changed]);
    let later = waiting(&w.store, 0, 10).await;
    assert!(later[1].position > inbox[0].position);
    assert_eq!(w.chain(1).await.len(), 3);
}

async fn another_master_key_does_not_open_it(w: &World) {
    let other = open_at(&w.place.url(), [8; 32], &w.entropy, &w.clock).await;
    let error = other.err().expect("refused");
    assert!(matches!(error, OpenError::WrongKey), "{error}");
    assert!(error.to_string().contains("master key"));
    assert!(open_at(&w.place.url(), MASTER, &w.entropy, &w.clock).await.is_ok());
}

async fn bounds(w: &World) {
    assert_eq!(w.store.submit(Vec::new()).await.expect("kept"), []);
    w.store.writable().await.expect("can be written");
    let big = |extra| NewInbox { body: vec![1; limits::BODY_BYTES_MAX + extra], ..event(1, 1) };
    assert_eq!(w.refused(vec![Command::Accept(big(1))]).await, (0, "size of the body"));
    assert_eq!(w.refused(vec![Command::Accept(event(1, 2)), Command::Accept(big(1))]).await.0, 1);
    assert_eq!(w.one(Command::Accept(big(0))).await, Outcome::Changed);
    assert_eq!(waiting(&w.store, 0, usize::MAX).await.len(), 1);
    assert!(waiting(&w.store, 0, 0).await.is_empty());
    // More than one batch holds.
    let many = (0..=u16::try_from(limits::BATCH_COMMANDS_MAX).expect("small"))
        .map(|n| {
            let mut key = [0xee; 32];
            key[..2].copy_from_slice(&n.to_be_bytes());
            Command::Accept(NewInbox { key: EventKey(key), ..event(5, 1) })
        })
        .collect();
    let outcomes: Vec<Outcome> = w.store.submit(many).await.expect("kept");
    assert!(
        outcomes.len() == limits::BATCH_COMMANDS_MAX + 1 && outcomes.iter().all(|o| *o == Outcome::Changed)
    );
    // Whoever stops waiting does not undo what was submitted.
    let submit = w.store.submit(vec![Command::PutToken(token(1))]);
    let _ = tokio::time::timeout(std::time::Duration::ZERO, submit).await;
    w.store.writable().await.expect("can be written");
    assert!(w.store.token(&[1; 32]).await.expect("answers").is_some());
}

async fn nothing_protected_is_readable_in_the_database(w: &World) {
    let customer = w.customer(1).await;
    let given = Consent { notice_sha256: "MARKER".into(), ..consent(1, 1, 1) };
    let mut receipt = draft(ReceiptKind::Consent);
    receipt.template = Some("MARKER".into());
    w.one(Command::GrantConsent { shard: Shard(1), consent: given.clone(), basis: basis(), receipt }).await;
    let disclosure = w.disclosure(&customer, &given, 1);
    // Who has the hash of a short text can try which it is.
    let said = disclosure.row.payload_sha256;
    w.one(disclose(1, disclosure, 0)).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
    let notice = w.notice(&customer, &given, 3);
    let hash = notice.page.as_ref().expect("a page").hash;
    w.one(disclose(1, notice, 0)).await;
    assert!(w.store.sealed_page(&hash).await.expect("answers").is_some(), "what it said is among it");
    let plain = w.plain(2, 2);
    let (said_to_nobody, ticket) = (plain.row.payload_sha256, plain.row.ticket);
    w.one(disclose(0, plain, 0)).await;
    let kept = w.store.outbox_entry(message(2)).await.expect("answers").expect("is there").row;
    assert_eq!(kept.payload_sha256, said_to_nobody, "it is there for those who hold the key");
    w.one(Command::PutBankGrant { grant: grant(1, b"token MARKER"), expected: 0 }).await;
    w.one(Command::PutSession(Session { hash: [1; 32], body: b"MARKER".to_vec(), expires_at: at(9) })).await;
    // It is there for those who hold the key …
    assert!(String::from_utf8_lossy(&w.chain(1).await[0].bytes).contains("MARKER"));
    // … and for no one else.
    let dump = match &w.place {
        Place::Sqlite { .. } => {
            let file = w.place.file();
            let wal = file.with_extension("db-wal");
            [std::fs::read(file).expect("reads"), std::fs::read(wal).unwrap_or_default()].concat()
        }
        Place::Postgres { .. } => {
            let client = crate::place::postgres_client(&w.place.url()).await;
            let mut all = Vec::new();
            for table in ["customer", "consent", "receipt", "outbox", "bank_grant", "session", "sealed_page"]
            {
                for row in client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.expect("reads")
                {
                    all.extend_from_slice(row.get::<_, String>(0).as_bytes());
                }
            }
            // `bytea` prints as hex.
            assert!(find(&all, b"cedar-bank"), "the dump shows what is not sealed");
            for word in [b"MARKER".as_slice(), b"BalanceOnRequest", &said, &said_to_nobody] {
                assert!(!find(&all, hex::encode(word).as_bytes()));
            }
            assert!(find(&all, hex::encode(ticket).as_bytes()), "the dump shows what is not sealed");
            all
        }
    };
    assert!(find(&dump, b"cedar-bank"), "the dump shows what is not sealed");
    assert!(!find(&dump, b"MARKER") && !find(&dump, b"BalanceOnRequest"), "nor what it was for");
    for said in [said, said_to_nobody] {
        assert!(
            !find(&dump, &said) && !find(&dump, hex::encode(said).as_bytes()),
            "nor a hash of what was said"
        );
    }
    if let Place::Sqlite { .. } = &w.place {
        assert!(find(&dump, &ticket), "the dump shows what is not sealed");
    }
}

fn find(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
