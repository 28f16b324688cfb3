//! What is recorded is what happened: no receipt of something else, no alarm that a damaged row silences, and nothing
//! that stays of somebody who is gone.

use crate::outbox::{claim, disclose, finish};
use crate::place::Place;
use crate::world::*;
use amana_core::*;
use amana_gate::{AgentWords, Disclosure, ReceiptDraft, ReceiptKind, Recipient, TicketSubject, Told};
use amana_render::Encoding;
use amana_store::*;

const DAY: i64 = 86_400;

/// What a query of the test's own counts, behind the store's back.
async fn count(w: &World, sql: &str) -> i64 {
    match &w.place {
        Place::Sqlite { .. } => {
            let conn = rusqlite::Connection::open(w.place.file()).expect("opens");
            conn.query_row(sql, [], |row| row.get(0)).expect("counts")
        }
        Place::Postgres { .. } => {
            let client = crate::place::postgres_client(&w.place.url()).await;
            client.query_one(sql, &[]).await.expect("counts").get(0)
        }
    }
}

fn seen(mid: &str, psid: Option<Psid>, claim: Claim, second: i64) -> Command {
    let ConversationId { channel, .. } = conversation(1);
    Command::Sighted(Sighting { channel, psid, mid: mid.into(), claim, kill: true, at: at(second) })
}

fn foreign() -> Claim {
    Claim::Unexplained { kind: AlarmKind::OtherApp, app_id: Some("99".into()) }
}

fn overdue(mid: &str, second: i64) -> Command {
    seen(mid, None, Claim::Unexplained { kind: AlarmKind::UnknownDelivery, app_id: None }, second)
}

/// The history of a customer does not lead on any more.
async fn put_back(w: &World, n: u8) {
    let (id, zeros) = (w.place.bytes(&[n; 16]), w.place.bytes(&[0; 32]));
    w.place.sql(&format!("UPDATE customer SET receipt_mac = {zeros} WHERE id = {id}")).await;
}

/// Goal: alarm and kill switch do not hang on a receipt that cannot be recorded, and its closing does not either.
pub(crate) async fn a_damaged_history_silences_no_alarm(w: &World) {
    w.customer(1).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
    put_back(w, 1).await;
    assert_eq!(w.one(seen("m-1", Some(conversation(1).psid), foreign(), 1)).await, Outcome::Changed);
    let alarms = w.store.alarms(false, 9).await.expect("answers");
    assert_eq!(alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::OtherApp]);
    assert_eq!(w.store.kills().await.expect("answers").0.len(), 1);
    assert_eq!(w.store.counts().await.expect("answers").receipts, 0);
    let close = Command::CloseAlarm { id: alarms[0].id, by: "omar".into(), at: at(2) };
    assert_eq!(w.one(close).await, Outcome::Changed);
}

/// Goal: an alarm that is closed while the history of whom it was told does not lead on is closed.
pub(crate) async fn an_alarm_is_closed_whatever_can_be_recorded(w: &World) {
    w.customer(1).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
    w.one(seen("m-1", Some(conversation(1).psid), foreign(), 1)).await;
    assert_eq!(w.store.counts().await.expect("answers").receipts, 1);
    put_back(w, 1).await;
    let id = w.store.alarms(false, 9).await.expect("answers")[0].id;
    w.one(Command::CloseAlarm { id, by: "omar".into(), at: at(2) }).await;
    assert!(w.store.alarms(false, 9).await.expect("answers").is_empty());
    // It ends by time, and whom it was about with it; one that is open stays.
    w.one(seen("m-2", None, foreign(), 3)).await;
    let sweep = |second| Command::Sweep { now: at(second), keep: Retention::default() };
    w.one(sweep(limits::ALARM_DAYS * DAY)).await;
    assert_eq!(count(w, "SELECT count(*) FROM alarm_told").await, 1);
    let held = |report: RetentionReport| {
        let of = |kind| report.holdings.iter().find(|holding| holding.kind == kind).expect("each").rows;
        [of(DataKind::Alarm), of(DataKind::Sighting)]
    };
    assert_eq!(held(w.store.retention_report().await.expect("answers")), [1, 0], "sightings go before");
    w.one(sweep(limits::ALARM_DAYS * DAY + 3)).await;
    assert_eq!(count(w, "SELECT count(*) FROM alarm_told").await, 0);
    assert_eq!(w.store.alarms(true, 9).await.expect("answers").len(), 1);
}

/// Goal: a delivery that nothing names is no stranger's while a message of ours to that person is in doubt, and not
/// more often than that one was tried. An echo that comes late still settles it.
pub(crate) async fn a_delivery_of_what_is_in_doubt_is_only_unknown(w: &World) {
    let delivered =
        |mid: &str, n: u8, second| seen(mid, Some(conversation(n).psid), Claim::Delivered, second);
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(claim(1, OutboxState::Pending, 60)).await;
    w.one(finish(1, Delivery::Unconfirmed { until: at(70) })).await;
    w.one(delivered("m-early", 2, 5)).await;
    w.one(delivered("m-ours", 1, 10)).await;
    w.one(delivered("m-thief", 1, 11)).await;
    assert_eq!(w.one(overdue("m-ours", 300)).await, Outcome::Unchanged);
    assert_eq!(w.one(overdue("m-ours", 301)).await, Outcome::Unchanged, "again, the same");
    assert_eq!(w.one(overdue("m-thief", 302)).await, Outcome::Changed, "one try, one delivery");
    assert_eq!(w.one(overdue("m-early", 303)).await, Outcome::Changed, "another person's");
    assert!(w.store.deliveries_overdue(at(9_999), 9).await.expect("answers").is_empty());
    assert_eq!(w.one(crate::outbox::echo(1, 1, "m-ours", 400)).await, Outcome::Unchanged);
    let row = w.store.outbox_entry(message(1)).await.expect("answers").expect("is there");
    assert_eq!((row.state, row.mid.as_deref()), (OutboxState::Sent, Some("m-ours")));
    // What was delivered before a message was made, or when nothing is in doubt, is not its.
    w.one(delivered("m-later", 1, 500)).await;
    assert_eq!(w.one(overdue("m-later", 800)).await, Outcome::Changed);
}

type Change = fn(&mut Disclosure);

/// Goal: the store commits no message with the receipt of another, or of something else.
pub(crate) async fn a_receipt_is_of_its_row_alone(w: &World) {
    let customer = w.customer(1).await;
    let given = consent(1, 1, 1);
    let made = |n: u8| w.disclosure(&customer, &given, n);
    let changes: [(&str, Change); 11] = [
        ("kind", |d| d.receipt.as_mut().expect("one").kind = ReceiptKind::View),
        ("bytes", |d| d.receipt.as_mut().expect("one").payload_sha256 = Some("0".repeat(64))),
        ("no bytes", |d| d.receipt.as_mut().expect("one").payload_sha256 = None),
        ("purpose", |d| d.receipt.as_mut().expect("one").purpose = Some(Purpose::BankOffer)),
        ("form", |d| d.receipt.as_mut().expect("one").form = Some(Form::Notice)),
        ("consent", |d| d.receipt.as_mut().expect("one").consent = None),
        ("kinds of data", |d| d.receipt.as_mut().expect("one").clusters = Clusters::default()),
        ("another consent", |d| {
            d.receipt.as_mut().expect("one").consent.as_mut().expect("one").0 =
                ConsentId::from_bytes([9; 16]);
        }),
        ("institution", |d| d.receipt.as_mut().expect("one").institution = id("pine-bank")),
        ("recipient", |d| d.receipt.as_mut().expect("one").recipient = Recipient::Agent("huda".into())),
        ("channel", |d| d.receipt.as_mut().expect("one").channel = Some(id("1002"))),
    ];
    let pages: [(&str, Change); 3] = [
        ("page of another message", |d| d.page.as_mut().expect("one").message = message(9)),
        ("page of another customer", |d| d.page.as_mut().expect("one").basis.customer = customer_id(2)),
        ("page by another consent", |d| {
            d.page.as_mut().expect("one").basis.consent = ConsentId::from_bytes([9; 16]);
        }),
    ];
    for (what, change) in pages {
        let mut disclosure = w.notice(&customer, &given, 1);
        change(&mut disclosure);
        assert_eq!(w.refused(vec![disclose(1, disclosure, 0)]).await, (0, "receipt"), "{what}");
    }
    for (what, change) in changes {
        let mut disclosure = made(1);
        change(&mut disclosure);
        assert_eq!(w.refused(vec![disclose(1, disclosure, 0)]).await, (0, "receipt"), "{what}");
    }
    let (one, other) = (made(1), made(2));
    let swapped = Disclosure { receipt: other.receipt, ..one };
    assert_eq!(w.refused(vec![disclose(1, swapped, 0)]).await, (0, "receipt"), "another message's");
    assert_eq!(w.one(disclose(1, made(1), 0)).await, Outcome::Receipt(1));
}

/// Goal: what a sweep ends has its outcome on the record of whom it was for, once; where none can be made, an alarm.
pub(crate) async fn what_a_sweep_ends_is_on_the_customers_record(w: &World) {
    let made = async |n: u8, m: u8| {
        let customer = w.customer(n).await;
        w.one(disclose(u16::from(n), w.disclosure(&customer, &consent(n, n, n), m), 0)).await;
    };
    // The first waits, the second is held, the third may have arrived; the fourth's history does not lead on, and the
    // fifth's row is damaged. The sixth wrote to a human, whose words wait.
    for n in 1..=5 {
        made(n, n).await;
    }
    w.one(finish(2, Delivery::Held { seen: None })).await;
    w.one(claim(3, OutboxState::Pending, 60)).await;
    w.one(finish(3, Delivery::Unconfirmed { until: at(70) })).await;
    w.one(finish(3, Delivery::Held { seen: None })).await;
    put_back(w, 4).await;
    let broken = w.place.bytes(message(5).as_bytes());
    w.place.sql(&format!("UPDATE outbox SET attempts = -1 WHERE message = {broken}")).await;
    assert!(w.store.outbox_entry(message(5)).await.is_err_and(|error| error.is_damage()));
    w.customer(6).await;
    w.one(Command::CreateLink(link(6, 6, LinkState::Active))).await;
    let cedar = id::<InstitutionId>("cedar-bank");
    let links = [TicketSubject {
        institution: cedar.clone(),
        customer: customer_id(6),
        link: LinkId::from_bytes([6; 16]),
        purpose: None,
    }];
    let words = AgentWords {
        by: "huda",
        text: "yes",
        media: None,
        persona: None,
        last_inbound: at(0),
        links: &links,
    };
    let (key, within) = (w.store.keyring().deployment(), Some(Encoding::MessengerReply));
    let disclosure =
        w.gate.agent(words, within, &address(6), message(6), at(0), key, &*w.entropy).expect("written");
    let of_it = ReceiptDraft::of_agent(cedar, &disclosure, "huda", at(0));
    let records = vec![(Shard(6), customer_id(6), of_it)];
    w.one(Command::WriteAsAgent { shard: conversation(6).shard(), disclosure, records, at: at(0) }).await;

    let sweep = || Command::Sweep { now: at(4 * DAY), keep: Retention::default() };
    assert_eq!(w.one(sweep()).await, Outcome::Changed);
    assert_eq!(w.one(sweep()).await, Outcome::Unchanged, "each has its end");
    let about = async |n: u8| {
        let receipts = w.chain(n).await;
        let of_it = receipts.iter().filter(|receipt| receipt.message == Some(message(n)));
        of_it.map(|receipt| String::from_utf8_lossy(&receipt.bytes).into_owned()).collect::<Vec<_>>()
    };
    for n in [1, 2, 6] {
        let row = w.store.outbox_entry(message(n)).await.expect("answers").expect("there");
        assert_eq!((row.state, row.reason.as_deref()), (OutboxState::Dead, Some("expired")), "{n}");
        let receipts = about(n).await;
        assert_eq!(receipts.len(), 2, "{n}: {receipts:?}");
        let last = &receipts[1];
        assert!(
            last.contains(r#""kind":"outcome""#) && last.contains(r#""template":"dead:expired""#),
            "{last}"
        );
        assert_eq!(last.contains("agent:huda"), n == 6, "{last}");
    }
    // Who looks for what covers a human's words finds the writing, also behind what came of it.
    let words = w.store.receipts_of_words(message(6)).await.expect("answers");
    assert_eq!(words.iter().map(|(of, r)| (*of, r.seq)).collect::<Vec<_>>(), [(customer_id(6), 1)]);
    assert!(w.store.receipts_of_words(message(1)).await.expect("answers").is_empty());
    let doubtful = w.store.outbox_entry(message(3)).await.expect("answers").expect("there");
    assert_eq!(doubtful.state, OutboxState::Unconfirmed, "egress ends it");
    assert_eq!(about(3).await.len(), 1);
    assert_eq!(count(w, "SELECT count(*) FROM outbox WHERE state = 5").await, 5);
    let alarms = w.store.alarms(false, 9).await.expect("answers");
    assert_eq!(alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::Unrecorded; 2]);
}

/// Goal: one row that is not as it was written is damage, whatever of it is not, and takes none of the others along.
pub(crate) async fn a_row_that_does_not_decode_is_damage_and_takes_no_other_along(w: &World) {
    for n in [1, 2] {
        w.customer(n).await;
        w.one(Command::CreateLink(link(n, n, LinkState::Active))).await;
    }
    let holders = async || {
        let links = w.store.links_of_account(&id("cedar-bank"), &id("acc-1")).await.expect("answers");
        links.iter().map(|link| link.id).collect::<Vec<_>>()
    };
    assert_eq!(holders().await.len(), 2);
    let broken = w.place.bytes(&[1; 16]);
    w.place.sql(&format!("UPDATE link SET institution = '' WHERE id = {broken}")).await;
    assert!(w.store.link(Shard(1), LinkId::from_bytes([1; 16])).await.is_err_and(|error| error.is_damage()));
    assert_eq!(holders().await, [LinkId::from_bytes([2; 16])]);
    // What is everybody's is mended, and nobody's message is put aside for it.
    w.place.sql("INSERT INTO kill (scope, reason, since) VALUES ('what', 'x', 0)").await;
    assert!(w.store.kills().await.is_err_and(|error| !error.is_damage()));
}

/// Goal: a link that a chat never confirmed says nothing about who is in it: what is written there outlives its
/// customer.
pub(crate) async fn an_erasure_reaches_no_chat_that_was_never_confirmed(w: &World) {
    w.customer(1).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Pending))).await;
    w.one(Command::PutToken(Token { expires_at: at(60 * DAY), ..token(1) })).await;
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(disclose(0, w.plain(1, 2), 0)).await;
    w.one(claim(1, OutboxState::Pending, 60)).await;
    w.one(finish(1, Delivery::Dead { reason: "blocked".into() })).await;
    let (shard, customer) = (Shard(1), customer_id(1));
    let (id, from, to) = (LinkId::from_bytes([1; 16]), LinkState::Pending, LinkState::Ended);
    w.one(Command::SetLink { shard, id, from, to, at: at(9) }).await;
    w.one(Command::BeginErasure { shard, customer, at: at(10), receipt: draft(ReceiptKind::Erasure) }).await;
    w.store.destroy_customer_key(customer, at(12)).await.expect("destroyed");
    while w.one(Command::Erase { shard, customer, at: at(13) }).await == Outcome::Changed {}
    assert_eq!(
        count(w, "SELECT count(*) FROM outbox WHERE sealed_to IS NOT NULL AND length(payload) > 0").await,
        2
    );
    assert_eq!(count(w, "SELECT count(*) FROM token").await, 1);
    let waits = w.store.outbox_entry(message(2)).await.expect("answers").expect("there");
    assert_eq!(waits.state, OutboxState::Pending);
}

/// Goal: what a human wrote is taken with the records of exactly those whose chat it is at that moment, and keeps the
/// mark of it.
pub(crate) async fn a_humans_words_are_for_those_whose_chat_it_is(w: &World) {
    let (cedar, key) = (id::<InstitutionId>("cedar-bank"), w.store.keyring().deployment());
    let subject = |n: u8| TicketSubject {
        institution: cedar.clone(),
        customer: customer_id(n),
        link: LinkId::from_bytes([n; 16]),
        purpose: None,
    };
    let write = |m: u8, of: &[u8]| {
        let links: Vec<_> = of.iter().map(|n| subject(*n)).collect();
        let words = AgentWords {
            by: "huda",
            text: "yes",
            media: None,
            persona: None,
            last_inbound: at(0),
            links: &links,
        };
        let within = Some(Encoding::MessengerReply);
        let written = w.gate.agent(words, within, &address(1), message(m), at(0), key, &*w.entropy);
        let disclosure = written.expect("written");
        let of_it = || ReceiptDraft::of_agent(cedar.clone(), &disclosure, "huda", at(0));
        let records = of.iter().map(|n| (Shard(u16::from(*n)), customer_id(*n), of_it())).collect();
        Command::WriteAsAgent { shard: conversation(1).shard(), disclosure, records, at: at(0) }
    };
    w.customer(1).await;
    assert_eq!(w.refused(vec![write(1, &[1])]).await, (0, "link"), "not linked");
    w.one(write(1, &[])).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
    assert_eq!(w.refused(vec![write(2, &[])]).await, (0, "link"), "linked meanwhile");
    w.one(write(2, &[1])).await;
    let row = w.store.outbox_entry(message(2)).await.expect("answers").expect("there").row;
    let Command::WriteAsAgent { disclosure, .. } = write(3, &[1]) else { unreachable!() };
    assert!(row.agent.is_some() && row.basis.is_none());
    assert!(w.gate.release_agent(row, &[subject(1)], &KillSwitches::default(), at(1), key).is_ok());
    assert_eq!(w.refused(vec![disclose(0, disclosure, 0)]).await, (0, "receipt"), "without its records");
    let (shard, from, to) = (Shard(1), LinkState::Active, LinkState::Ended);
    w.one(Command::SetLink { shard, id: LinkId::from_bytes([1; 16]), from, to, at: at(9) }).await;
    assert_eq!(w.refused(vec![write(4, &[1])]).await, (0, "link"), "ended meanwhile");
}

/// Goal: after an erasure nothing is written for them, and what their chats were told and given under the deployment's
/// key is gone, too; another chat's stays.
pub(crate) async fn an_erasure_takes_what_is_under_the_deployments_key(w: &World) {
    let left = async || {
        let person = |n: u8| w.place.bytes(&w.store.keyring().blind_person(&conversation(n)));
        let mut left = Vec::new();
        for n in [1, 2] {
            let of = person(n);
            let texts = format!(
                "SELECT count(*) FROM outbox WHERE person = {of} AND (length(payload) > 0 OR sealed_to IS NOT NULL)"
            );
            left.push(count(w, &texts).await);
            left.push(count(w, &format!("SELECT count(*) FROM token WHERE person = {of}")).await);
        }
        left
    };
    for n in [1, 2] {
        w.customer(n).await;
        w.one(Command::CreateLink(link(n, n, LinkState::Active))).await;
        w.one(Command::PutToken(Token { expires_at: at(60 * DAY), ..token(n) })).await;
        for m in [10 * n, 10 * n + 1] {
            w.one(disclose(0, w.plain(n, m), 0)).await;
            w.one(claim(m, OutboxState::Pending, 60)).await;
        }
        w.one(finish(10 * n, Delivery::Dead { reason: "blocked".into() })).await;
        w.one(finish(10 * n + 1, Delivery::Denied { reason: "x".into() })).await;
        // What waits, is held, and is on its way.
        for m in [10 * n + 2, 10 * n + 3, 10 * n + 4] {
            w.one(disclose(0, w.plain(n, m), 0)).await;
        }
        w.one(claim(10 * n + 3, OutboxState::Pending, 60)).await;
        w.one(finish(10 * n + 3, Delivery::Held { seen: None })).await;
        w.one(claim(10 * n + 2, OutboxState::Pending, 60)).await;
    }
    assert_eq!(left().await, [4, 1, 4, 1], "of what was denied nothing is left");
    let (shard, customer) = (Shard(1), customer_id(1));
    let (id, from, to) = (LinkId::from_bytes([1; 16]), LinkState::Active, LinkState::Ended);
    w.one(Command::SetLink { shard, id, from, to, at: at(9) }).await;
    let receipt = draft(ReceiptKind::Erasure);
    w.one(Command::BeginErasure { shard, customer, at: at(10), receipt }).await;
    assert_eq!(left().await, [1, 1, 4, 1], "what was given up goes in a step");
    let row = async |m| w.store.outbox_entry(message(m)).await.expect("answers").expect("there");
    for (m, state, doubtful) in [
        (12, OutboxState::Dead, true),
        (13, OutboxState::Denied, false),
        (14, OutboxState::Denied, false),
        (23, OutboxState::Held, false),
    ] {
        let row = row(m).await;
        assert_eq!((row.state, row.doubtful), (state, doubtful), "{m}");
    }
    // What says that they are erased is put in with it, and goes when it is sent.
    w.one(disclose(0, w.plain(1, 15), 10)).await;
    assert_eq!(left().await, [2, 1, 4, 1]);
    let (key, state, told) = ([7; 32], StoryState::Posted, Told::from_stored([7; 32]));
    let story = Command::PutStory(Story { shard, customer, key, state, told, at: at(11), by: None });
    assert_eq!(w.refused(vec![story]).await, (0, "customer"));
    let book = BookRow { shard, customer, key, sealed: b"sealed".to_vec(), changed_at: at(11) };
    assert_eq!(w.refused(vec![Command::PutBook(book)]).await, (0, "customer"));
    w.store.destroy_customer_key(customer, at(12)).await.expect("destroyed");
    while w.one(Command::Erase { shard, customer, at: at(13) }).await == Outcome::Changed {}
    assert_eq!(left().await, [1, 0, 4, 1]);
    w.one(claim(15, OutboxState::Pending, 60)).await;
    w.one(finish(15, Delivery::Sent { mid: "m-15".into() })).await;
    assert_eq!(left().await, [0, 0, 4, 1]);
    // The echo of what was on its way finds its row all the same, and is no alarm.
    assert_eq!(w.one(crate::outbox::echo(12, 1, "m-12", 20)).await, Outcome::Unchanged);
    assert_eq!(row(12).await.state, OutboxState::Sent);
    assert!(w.store.alarms(false, 9).await.expect("answers").is_empty());
    // Of what was given up the text goes when its ticket is over, of what was denied at once.
    let texts = async || count(w, "SELECT count(*) FROM outbox WHERE length(payload) > 0").await;
    assert_eq!(texts().await, 4, "for an operator who sends it once more, and what is not over");
    w.one(Command::Sweep { now: at(4 * DAY), keep: Retention::default() }).await;
    assert_eq!(texts().await, 1, "what is on its way");
    assert_eq!(left().await, [0, 0, 1, 1]);
}
