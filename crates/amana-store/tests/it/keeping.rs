//! The part of the suite that is about what is kept and what is erased.

use crate::outbox::{claim, disclose, finish, sent};
use crate::place::{Place, postgres_client};
use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_store::*;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400;

pub(crate) fn begin(n: u8) -> Command {
    let receipt = draft(ReceiptKind::Erasure);
    Command::BeginErasure { shard: Shard(u16::from(n)), customer: customer_id(n), at: at(80), receipt }
}

pub(crate) fn step(n: u8, second: i64) -> Command {
    Command::Erase { shard: Shard(u16::from(n)), customer: customer_id(n), at: at(second) }
}

pub(crate) fn end_link(n: u8, second: i64) -> Command {
    Command::SetLink {
        shard: Shard(u16::from(n)),
        id: LinkId::from_bytes([n; 16]),
        from: LinkState::Active,
        to: LinkState::Ended,
        at: at(second),
    }
}

/// Destroys the key and removes the rows; how many steps had something to do.
async fn finished(w: &World, n: u8) -> usize {
    w.store.destroy_customer_key(customer_id(n), at(80)).await.expect("destroyed");
    for steps in 0..20 {
        if w.one(step(n, 80)).await == Outcome::Unchanged {
            return steps;
        }
    }
    panic!("it does not come to an end");
}

/// A customer with one of everything: a link, a consent, tokens, what was told of a transaction, and five messages.
pub(crate) async fn with_everything(w: &World, n: u8) {
    let customer = w.customer(n).await;
    let given = consent(n, n, n);
    let accounts = BTreeSet::from([id("acc-1"), id("acc-x")]);
    w.one(Command::CreateLink(Link { accounts, ..link(n, n, LinkState::Active) })).await;
    let (shard, receipt) = (Shard(u16::from(n)), draft(ReceiptKind::Consent));
    w.one(Command::GrantConsent { shard, consent: given.clone(), basis: basis(), receipt }).await;
    w.one(Command::PutBankGrant { grant: grant(n, b"tokens"), expected: 0 }).await;
    w.one(told(n, 1, 0)).await;
    let kinds = [JobKind::RevokeAtBank, JobKind::EndLink, JobKind::RemindConsent, JobKind::Erase];
    for (kind, k) in kinds.into_iter().zip(100 + 10 * n..) {
        let (shard, customer, due_at) = (Shard(u16::from(n)), customer_id(n), at(9_000_000));
        w.one(Command::Enqueue(Job { kind, shard, customer, due_at, ..job(k) })).await;
    }
    w.one(Command::PutBook(BookRow {
        shard: Shard(u16::from(n)),
        customer: customer_id(n),
        key: [1; 32],
        sealed: b"sealed".to_vec(),
        changed_at: at(0),
    }))
    .await;
    w.one(Command::PutPasskey(crate::passkeys::passkey(n, n))).await;
    for m in 0..5 {
        // The last one is a notice, with a page behind it.
        let said = if m < 4 {
            w.disclosure(&customer, &given, 10 * n + m)
        } else {
            w.notice(&customer, &given, 10 * n + m)
        };
        w.one(disclose(u16::from(n), said, 0)).await;
    }
    // Sent; given up; sending; unconfirmed; and one that waits.
    for m in 0..4 {
        w.one(claim(10 * n + m, OutboxState::Pending, 600)).await;
    }
    w.one(finish(10 * n, sent())).await;
    w.one(finish(10 * n + 1, Delivery::Dead { reason: "blocked".into() })).await;
    w.one(finish(10 * n + 3, Delivery::Unconfirmed { until: at(700) })).await;
}

fn told(customer: u8, key: u8, second: i64) -> Command {
    Command::PutStory(Story {
        shard: Shard(u16::from(customer)),
        customer: customer_id(customer),
        key: [key; 32],
        state: StoryState::Posted,
        told: Told::from_stored([key; 32]),
        at: at(second),
        by: None,
    })
}

/// What a query of the test's own counts, behind the store's back.
async fn count(w: &World, sql: &str) -> i64 {
    match &w.place {
        Place::Sqlite { .. } => {
            let conn = rusqlite::Connection::open(w.place.file()).expect("opens");
            conn.query_row(sql, [], |row| row.get(0)).expect("counts")
        }
        Place::Postgres { .. } => {
            let client = postgres_client(&w.place.url()).await;
            client.query_one(sql, &[]).await.expect("counts").get(0)
        }
    }
}

/// How many rows of each table are the customer's.
async fn rows_of(w: &World, n: u8) -> BTreeMap<&'static str, i64> {
    let id = w.place.bytes(customer_id(n).as_bytes());
    let mut rows = BTreeMap::new();
    for (table, column) in [
        ("customer", "id"),
        ("link", "customer"),
        ("consent", "customer"),
        ("receipt", "customer"),
        ("story", "customer"),
        ("book", "customer"),
        ("bank_grant", "customer"),
        ("outbox", "customer"),
        ("sealed_page", "customer"),
        ("passkey", "customer"),
    ] {
        rows.insert(table, count(w, &format!("SELECT count(*) FROM {table} WHERE {column} = {id}")).await);
    }
    // To end a link, to remind of its end.
    let jobs = format!("SELECT count(*) FROM job WHERE customer = {id} AND kind IN (1, 2)");
    rows.insert("job", count(w, &jobs).await);
    let link = w.place.bytes(&[n; 16]);
    rows.insert(
        "link_account",
        count(w, &format!("SELECT count(*) FROM link_account WHERE link = {link}")).await,
    );
    let consent = w.place.bytes(&[n; 16]);
    rows.insert(
        "consent_event",
        count(w, &format!("SELECT count(*) FROM consent_event WHERE consent = {consent}")).await,
    );
    rows
}

/// Every column of the schema with its type.
async fn columns(w: &World) -> Vec<(String, String, String)> {
    match &w.place {
        Place::Sqlite { .. } => {
            let conn = rusqlite::Connection::open(w.place.file()).expect("opens");
            let sql = "SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c \
                       WHERE t.type = 'table'";
            let mut statement = conn.prepare(sql).expect("reads");
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.expect("reads").map(|row| row.expect("texts")).collect()
        }
        Place::Postgres { .. } => {
            let client = postgres_client(&w.place.url()).await;
            let sql = "SELECT table_name::text, column_name::text, data_type::text \
                       FROM information_schema.columns WHERE table_schema = 'public'";
            let rows = client.query(sql, &[]).await.expect("reads");
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
        }
    }
}

/// The columns in which the customer's id stands, or that of a link or consent of theirs, which is the same bytes here:
/// alone, or within a text.
async fn columns_about(w: &World, n: u8) -> BTreeSet<String> {
    let id = customer_id(n);
    let mut found = BTreeSet::new();
    for (table, column, kind) in columns(w).await {
        let holds = match kind.as_str() {
            "BLOB" | "bytea" => format!("\"{column}\" = {}", w.place.bytes(id.as_bytes())),
            "TEXT" | "text" => format!("\"{column}\" LIKE '%{id}%'"),
            _ => continue,
        };
        if count(w, &format!("SELECT count(*) FROM {table} WHERE {holds}")).await > 0 {
            found.insert(format!("{table}.{column}"));
        }
    }
    found
}

/// A customer in every column that names one, also where [`with_everything`] puts nobody: news that wait, an alarm
/// about the chat, and a switch.
async fn in_every_column(w: &World, n: u8) {
    with_everything(w, n).await;
    let (of, psid) = (w.place.bytes(&[n; 16]), w.place.bytes(&[n; 32]));
    w.place
        .sql(&format!(
            "INSERT INTO waiting (shard, position, customer, link, story, telling, key, body, conversation_shard, channel, \
             person, created_at) VALUES ({n}, 1, {of}, {of}, {psid}, 1, {psid}, {psid}, {n}, '1001', {psid}, 1); \
             INSERT INTO alarm_told (shard, customer, alarm) VALUES ({n}, {of}, {psid});"
        ))
        .await;
    let kill = Kill {
        scope: KillScope::Customer(customer_id(n)),
        reason: "Mrs. Example called".into(),
        since: at(0),
    };
    w.one(Command::SetKill(kill)).await;
    // A column by such a name that is new here is of a table that nobody is in: put them in, and see that they go.
    let about = columns_about(w, n).await;
    for (table, column, _) in columns(w).await {
        let name = format!("{table}.{column}");
        // A keyed hash; and whose key a message without bank data is under, which the outbox's own tests look at.
        let known = ["bank_consent.consent", "outbox.key_of"].contains(&name.as_str());
        if !known && ["customer", "link", "consent", "key_of"].contains(&column.as_str()) {
            assert!(about.contains(&name), "nobody is in {name}: {about:?}");
        }
    }
}

pub(crate) async fn an_erasure_leaves_nothing_of_one_and_all_of_another(w: &World) {
    for n in [1, 2] {
        in_every_column(w, n).await;
    }
    let kept = async |n: u8| w.store.kept_of(Shard(u16::from(n)), customer_id(n)).await.expect("answers");
    assert_eq!(kept(1).await, KeptOf { books: 1, news: 1, pages: 1 });
    let others_columns = columns_about(w, 2).await;
    assert!(others_columns.contains("kill.scope"), "{others_columns:?}");
    let (mine, others) = (rows_of(w, 1).await, rows_of(w, 2).await);
    assert_eq!(mine, others);
    assert!(mine.values().all(|rows| *rows > 0), "there is one of everything: {mine:?}");

    let held = w.wrapped_key(customer_id(1)).await;
    // The last receipt: from here on there is no such customer.
    assert_eq!(w.refused(vec![step(1, 79)]).await, (0, "share of the customer's key"), "not in this order");
    let nobody = Command::BeginErasure {
        shard: Shard(9),
        customer: customer_id(9),
        at: at(80),
        receipt: draft(ReceiptKind::Erasure),
    };
    assert_eq!(w.refused(vec![nobody]).await, (0, "customer"));
    let receipts = w.chain(1).await.len() as u64;
    let size = w.store.log_head().await.expect("answers").size;
    assert_eq!(w.refused(vec![begin(1)]).await, (0, "link"), "with it a grant would be nobody's");
    let outcomes = w.store.submit(vec![end_link(1, 80), begin(1)]).await.expect("begun");
    assert_eq!(outcomes, [Outcome::Changed, Outcome::Receipt(receipts + 1)]);
    assert_eq!(w.store.log_head().await.expect("answers").size, size + 1, "it is in the log");
    assert_eq!(w.refused(vec![begin(1)]).await, (0, "customer"), "once");
    let (shard, id_) = (Shard(1), customer_id(1));
    let view = Command::Record { shard, customer: id_, receipt: draft(ReceiptKind::View) };
    assert_eq!(w.refused(vec![view]).await, (0, "customer"));
    let place = w.store.customer_place(id_).await.expect("answers").expect("the row is there");
    assert_eq!(
        (place.shard, place.institution.as_str(), place.erased_at),
        (shard, "cedar-bank", Some(at(80)))
    );
    let place = w.store.customer_place(customer_id(2)).await.expect("answers").expect("is there");
    assert_eq!(place.erased_at, None);
    assert!(w.store.customer(shard, id_).await.expect("answers").is_none());
    let by_subject = w.store.customer_by_subject(&id("cedar-bank"), &[1; 32]).await;
    assert!(by_subject.expect("answers").is_none());
    assert!(w.store.links_of_account(&id("cedar-bank"), &id("acc-1")).await.expect("answers").len() == 1);
    // An outcome that becomes known now has no receipt, and is no error.
    let to = w.store.outbox_entry(message(12)).await.expect("answers").expect("is there").row.recipient;
    let claim = Claim::Message { message: message(12), app_id: None, odd: None };
    let (channel, psid, mid) = (to.channel, Some(to.psid), "m_12".to_owned());
    w.one(Command::Sighted(Sighting { channel, psid, mid, claim, kill: false, at: at(81) })).await;
    assert_eq!(w.store.log_head().await.expect("answers").size, size + 1);

    // The key's end.
    assert!(w.store.destroyed_keys(None).await.expect("answers").is_empty());
    for _ in 0..2 {
        w.store.destroy_customer_key(id_, at(82)).await.expect("destroyed");
    }
    assert_eq!(w.store.destroyed_keys(None).await.expect("answers"), [id_]);
    assert!(w.store.destroyed_keys(Some(id_)).await.expect("answers").is_empty());
    assert!(w.store.receipts(shard, id_, 1, 100).await.map_or(true, |receipts| receipts.is_empty()));
    let again = w.store.new_customer_key(&id("cedar-bank"), id_, at(83)).await.expect("answers");
    assert!(again.is_none(), "there is never another key for this id");
    assert!(w.store.erased(None, 10).await.expect("answers").is_empty(), "not finished");

    // The rows' end.
    assert_eq!(w.one(step(1, 84)).await, Outcome::Changed);
    while w.one(step(1, 84)).await == Outcome::Changed {}
    assert_eq!(rows_of(w, 1).await.values().sum::<i64>(), 0);
    let left: BTreeSet<_> = ["erased.id", "job.customer"].map(str::to_owned).into();
    assert_eq!(columns_about(w, 1).await, left, "no other column names them, whatever is in the schema");
    assert_eq!(columns_about(w, 2).await, others_columns);
    assert_eq!(kept(1).await, KeptOf { books: 0, news: 0, pages: 0 });
    assert_eq!(kept(2).await, KeptOf { books: 1, news: 1, pages: 1 });
    let jobs = format!("SELECT count(*) FROM job WHERE customer = {}", w.place.bytes(id_.as_bytes()));
    assert_eq!(count(w, &jobs).await, 2, "the bank is still told, and the erasure comes to its end");
    assert_eq!(w.store.erased(None, 10).await.expect("answers"), [id_]);
    assert!(w.store.erased(Some(id_), 10).await.expect("answers").is_empty());
    assert_eq!(w.one(step(1, 85)).await, Outcome::Unchanged, "twice is once");
    assert!(w.store.customer_place(id_).await.expect("answers").is_none());
    assert!(w.store.links_ever_of_customer(shard, id_).await.expect("answers").is_empty());
    assert!(w.store.stories(shard, id_, None, 10).await.expect("answers").is_empty());
    // Of messages an empty row stays: what may be at the platform is dead, what never left is denied.
    let mut states = Vec::new();
    for n in 10..15 {
        let entry = w.store.outbox_entry(message(n)).await.expect("answers").expect("is there");
        assert!(entry.row.basis.is_none() && entry.row.payload.is_empty(), "{n}");
        states.push((entry.state, entry.reason));
    }
    let erased = || Some("erased".to_owned());
    let expected = [
        (OutboxState::Sent, None),
        (OutboxState::Dead, Some("blocked".to_owned())),
        (OutboxState::Sent, None),
        (OutboxState::Dead, erased()),
        (OutboxState::Denied, erased()),
    ];
    assert_eq!(states, expected);

    // The other one is as before, and can be opened; so is the log.
    assert_eq!(rows_of(w, 2).await, others);
    w.chain(2).await;
    let due = w.store.outbox_heads(at(9_999), &[], 10).await.expect("answers");
    assert_eq!(
        due.iter().map(|entry| entry.row.message).collect::<Vec<_>>(),
        [message(22)],
        "nothing of one"
    );
    assert!(w.store.bank_grant(Shard(2), LinkId::from_bytes([2; 16])).await.expect("answers").is_some());
    assert_eq!(w.store.log_head().await.expect("answers").size, size + 1);

    // Of that id there is never another customer: not even for a key that was made before, and is still held.
    let anew = Command::CreateCustomer {
        shard: Shard(1),
        id: id_,
        institution: id("cedar-bank"),
        subject: [1; 32],
        wrapped_key: held,
        at: at(90),
    };
    assert_eq!(w.refused(vec![anew]).await, (0, "customer key"));

    // Whom the bank names so is a new customer, and every engine agrees after a restart.
    let wrapped_key = w.wrapped_key(customer_id(3)).await;
    let anew = Command::CreateCustomer {
        shard: Shard(1),
        id: customer_id(3),
        institution: id("cedar-bank"),
        subject: [1; 32],
        wrapped_key,
        at: at(90),
    };
    assert_eq!(w.one(anew).await, Outcome::Changed);
    let another = w.another().await;
    let found = another.customer_by_subject(&id("cedar-bank"), &[1; 32]).await.expect("answers");
    assert_eq!(found.map(|customer| customer.id), Some(customer_id(3)));
    assert_eq!(another.erased(None, 10).await.expect("answers"), [id_]);
    assert_eq!(another.destroyed_keys(None).await.expect("answers"), [id_]);
}

pub(crate) async fn an_erasure_takes_a_bounded_number_of_rows_at_a_time(w: &World) {
    w.customer(1).await;
    let mut commands = Vec::new();
    for n in 0..=limits::ERASE_ROWS {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        let (shard, customer) = (Shard(1), customer_id(1));
        let (state, told) = (StoryState::Posted, Told::from_stored([0; 32]));
        commands.push(Command::PutStory(Story { shard, customer, key, state, told, at: at(0), by: None }));
    }
    w.store.submit(commands).await.expect("kept");
    w.store.destroy_customer_key(customer_id(1), at(80)).await.expect("destroyed");
    assert_eq!(w.one(step(1, 80)).await, Outcome::Changed);
    assert_eq!(count(w, "SELECT count(*) FROM story").await, 1, "all but one");
    assert_eq!(count(w, "SELECT count(*) FROM customer").await, 1, "the customer's own row goes last");
    assert!(w.store.erased(None, 9).await.expect("answers").is_empty());
    assert_eq!(finished(w, 1).await, 2, "one step for the rest, one for the customer");
    assert_eq!(w.store.erased(None, 9).await.expect("answers"), [customer_id(1)]);
    // Without a beginning, as after a copy was put back: the customer's row goes all the same.
    assert!(w.store.customer_place(customer_id(1)).await.expect("answers").is_none());
}

pub(crate) async fn the_erased_are_listed_in_pages(w: &World) {
    for n in [5, 3, 9, 1] {
        w.customer(n).await;
        finished(w, n).await;
    }
    let ids = |numbers: &[u8]| numbers.iter().map(|n| customer_id(*n)).collect::<Vec<_>>();
    assert_eq!(w.store.erased(None, 2).await.expect("answers"), ids(&[1, 3]));
    assert_eq!(w.store.erased(Some(customer_id(3)), 9).await.expect("answers"), ids(&[5, 9]));
    assert_eq!(w.store.destroyed_keys(None).await.expect("answers"), ids(&[1, 3, 5, 9]));
    assert_eq!(w.store.destroyed_keys(Some(customer_id(5))).await.expect("answers"), ids(&[9]));
}

pub(crate) async fn a_customers_stories_come_in_pages(w: &World) {
    w.customer(1).await;
    w.customer(2).await;
    for (customer, key) in [(1, 7), (1, 2), (2, 4), (1, 5)] {
        w.one(told(customer, key, i64::from(key))).await;
    }
    let page = |after, limit| w.store.stories(Shard(1), customer_id(1), after, limit);
    let all = page(None, 10).await.expect("answers");
    let told_of = |stories: &[Story]| stories.iter().map(|s| (s.key[0], s.at)).collect::<Vec<_>>();
    assert_eq!(told_of(&all), [(2, at(2)), (5, at(5)), (7, at(7))]);
    assert_eq!(
        Some(&all[0]),
        w.store.story(Shard(1), customer_id(1), &[2; 32]).await.expect("answers").as_ref()
    );
    assert_eq!(told_of(&page(None, 2).await.expect("answers")), [(2, at(2)), (5, at(5))]);
    assert_eq!(told_of(&page(Some([5; 32]), 2).await.expect("answers")), [(7, at(7))]);
    assert!(page(Some([7; 32]), 2).await.expect("answers").is_empty());
    assert!(w.store.stories(Shard(2), customer_id(1), None, 9).await.expect("answers").is_empty());
}

pub(crate) async fn links_that_a_customer_ever_had(w: &World) {
    for n in [1, 2] {
        w.customer(n).await;
    }
    // In two chats, one of them ended; and somebody else's in the same chat.
    w.one(Command::CreateLink(link(1, 1, LinkState::Pending))).await;
    w.one(Command::CreateLink(Link { psid: id("psid-7"), ..link(2, 1, LinkState::Active) })).await;
    w.one(Command::CreateLink(Link { psid: id("psid-1"), ..link(3, 2, LinkState::Active) })).await;
    let (from, to) = (LinkState::Pending, LinkState::Ended);
    w.one(Command::SetLink { shard: Shard(1), id: LinkId::from_bytes([1; 16]), from, to, at: at(5) }).await;
    let ever = w.store.links_ever_of_customer(Shard(1), customer_id(1)).await.expect("answers");
    let of =
        |links: &[Link]| links.iter().map(|l| (l.id.as_bytes()[0], l.state, l.ended_at)).collect::<Vec<_>>();
    assert_eq!(of(&ever), [(2, LinkState::Active, None), (1, LinkState::Ended, Some(at(5)))], "newest first");
    assert_eq!((ever[0].psid.as_str(), &ever[1].accounts), ("psid-7", &link(1, 1, from).accounts));
    assert!(w.store.links_ever_of_customer(Shard(2), customer_id(1)).await.expect("answers").is_empty());
}

pub(crate) async fn customers_without_a_link_for_long_are_idle(w: &World) {
    for n in 1..=5 {
        w.customer(n).await;
    }
    let end = |n: u8, second| Command::SetLink {
        shard: Shard(u16::from(n % 10)),
        id: LinkId::from_bytes([n; 16]),
        from: LinkState::Active,
        to: LinkState::Ended,
        at: at(second),
    };
    // 1: ended. 2: ended later. 3: one of two is live. 4: the other ended later. 5: never had one.
    for (n, customer) in [(1, 1), (2, 2), (3, 3), (13, 3), (4, 4), (14, 4)] {
        let psid = id(&format!("psid-{n}"));
        w.one(Command::CreateLink(Link { psid, ..link(n, customer, LinkState::Active) })).await;
    }
    for (n, second) in [(1, 10), (2, 20), (3, 10), (4, 10), (14, 20)] {
        w.one(end(n, second)).await;
    }
    let idle = |second, limit| async move {
        let found = w.store.customers_idle(at(second), None, limit).await.expect("answers");
        assert!(found.iter().all(|place| place.erased_at.is_none() && place.institution == id("cedar-bank")));
        found.iter().map(|place| (place.id.as_bytes()[0], place.shard.0)).collect::<BTreeSet<_>>()
    };
    assert!(idle(10, 9).await.is_empty(), "before, not at");
    assert_eq!(idle(11, 9).await, BTreeSet::from([(1, 1)]));
    assert_eq!(idle(21, 9).await, BTreeSet::from([(1, 1), (2, 2), (4, 4)]));
    assert_eq!(idle(21, 2).await.len(), 2);
    // One after the other, each once, whoever stays.
    let (mut after, mut each) = (None, Vec::new());
    while let [place] = w.store.customers_idle(at(21), after, 1).await.expect("answers").as_slice() {
        each.push(place.id.as_bytes()[0]);
        after = Some((place.shard, place.id));
    }
    assert_eq!(each, [1, 2, 4]);
    // Whose erasure is under way is not looked at again.
    w.one(begin(1)).await;
    assert_eq!(idle(21, 9).await, BTreeSet::from([(2, 2), (4, 4)]));
    assert_eq!(idle(21, 2).await.len(), 2, "nor takes another's place");
}

pub(crate) async fn a_jobs_key_ends_with_the_job(w: &World) {
    let seal = |n: u8| async move {
        w.store.seal_job([n; 16], b"context", b"tokens", at(i64::from(n))).await.expect("seals")
    };
    let mut sealed = Vec::new();
    for n in 1..=5 {
        sealed.push(seal(n).await);
    }
    assert!(!sealed[0].windows(6).any(|w| w == b"tokens"));
    let opens = |n: u8| {
        let sealed = sealed[usize::from(n) - 1].clone();
        async move {
            let opened = w.store.open_job([n; 16], b"context", &sealed).await.expect("answers");
            assert!(matches!(&opened, JobWork::Over) || opened == JobWork::Open(b"tokens".to_vec()));
            opened != JobWork::Over
        }
    };
    let elsewhere = w.store.open_job([1; 16], b"another", &sealed[0]).await;
    assert!(elsewhere.is_err_and(|error| error.is_damage()), "it opens for its own context alone");
    for n in 1..=4 {
        w.one(Command::Enqueue(job(n))).await;
    }
    let finish = |n: u8, outcome| Command::FinishJob { id: [n; 16], outcome };
    w.one(finish(1, JobOutcome::Done)).await;
    w.one(finish(2, JobOutcome::Retry { at: at(50) })).await;
    w.one(finish(3, JobOutcome::Dead)).await;
    w.one(Command::CancelJob { id: [4; 16] }).await;
    let mut open = Vec::new();
    for n in 1..=5 {
        open.push(opens(n).await);
    }
    assert_eq!(open, [false, true, true, false, true], "done and cancelled are over");
    // The fifth never came into the queue: its key is looked for after a while, those of the others stay.
    assert_eq!(w.store.forget_lost_jobs(at(5)).await.expect("answers"), 0, "not yet");
    assert!(opens(5).await);
    assert_eq!(w.store.forget_lost_jobs(at(6)).await.expect("answers"), 1);
    assert_eq!((opens(2).await, opens(3).await, opens(5).await), (true, true, false));
    assert_eq!(w.store.forget_lost_jobs(at(6)).await.expect("answers"), 0);
    // Of which there was never a key, that is not over: it is lost.
    let lost = w.store.open_job([99; 16], b"context", &sealed[1]).await.expect("answers");
    assert_eq!(lost, JobWork::Lost);
}

fn chat(n: u8, second: i64) -> Command {
    Command::PutConversation(of_chat(n, second))
}

fn of_chat(n: u8, second: i64) -> Conversation {
    Conversation {
        id: conversation(n),
        lang: Lang::English,
        lang_chosen: false,
        last_inbound_at: Some(at(second)),
        welcomed_at: Some(at(0)),
        elsewhere: None,
    }
}

pub(crate) async fn what_was_said_goes_with_its_link_and_the_receipts_stay(w: &World) {
    for n in [1, 2] {
        with_everything(w, n).await;
    }
    let (shard, customer, link) = (Shard(1), customer_id(1), LinkId::from_bytes([1; 16]));
    let receipt = || draft(ReceiptKind::Erasure);
    let forget = || Command::ForgetSaid { shard, customer, link, at: at(90), receipt: receipt() };
    let left = || async {
        let mut left = Vec::new();
        for n in [10, 11, 12, 13, 14, 20, 21] {
            if w.store.outbox_entry(message(n)).await.expect("answers").is_some() {
                left.push(n);
            }
        }
        left
    };
    let all = || async { w.store.receipts(shard, customer, 1, 99).await.expect("answers") };
    let receipts = || async { all().await.len() };
    assert_eq!(w.one(forget()).await, Outcome::Unchanged, "its link is open");
    w.one(end_link(1, 80)).await;
    let evidence = receipts().await;
    assert_eq!(w.one(forget()).await, Outcome::Changed);
    assert_eq!(left().await, [12, 13, 14, 20, 21], "what is under way stays, and so does another's");
    assert_eq!(receipts().await, evidence + 1, "all that there were, and the certificate");
    let last = String::from_utf8(all().await.pop().expect("the certificate").bytes).expect("UTF-8");
    assert!(last.contains("\"kind\":\"erasure\""), "{last}");
    assert!(last.contains("\"template\":\"deleted:message=2,book=1\""), "{last}");
    assert_eq!(w.one(forget()).await, Outcome::Unchanged);
    assert_eq!(receipts().await, evidence + 1, "nothing was deleted, so nothing is certified");
    let report = w.store.retention_report().await.expect("answers");
    let books = report.holdings.iter().find(|holding| holding.kind == DataKind::Book).expect("every kind");
    assert_eq!((books.rows, books.removed_total), (1, 1), "the book of the one who has no link");
    w.chain(1).await;
}

/// What was said goes after its time, also where its customer's history was put back so that nothing can be recorded in
/// it: the operator is told.
pub(crate) async fn what_was_said_goes_whether_or_not_it_can_be_recorded(w: &World) {
    with_everything(w, 1).await;
    w.one(end_link(1, 80)).await;
    let (shard, customer, link) = (Shard(1), customer_id(1), LinkId::from_bytes([1; 16]));
    w.place.sql("DELETE FROM receipt WHERE seq = (SELECT max(seq) FROM receipt)").await;
    let receipt = draft(ReceiptKind::Erasure);
    let forget = Command::ForgetSaid { shard, customer, link, at: at(90), receipt };
    assert_eq!(w.one(forget).await, Outcome::Changed);
    assert!(w.store.outbox_entry(message(10)).await.expect("answers").is_none(), "it is gone");
    let alarms = w.store.alarms(false, 10).await.expect("answers");
    let told: Vec<_> = alarms.iter().map(|alarm| alarm.kind).collect();
    assert_eq!(told, [AlarmKind::Unrecorded]);
}

pub(crate) async fn a_sweep_removes_what_was_kept_long_enough(w: &World) {
    let keep = Retention {
        message_days: 20,
        plain_message_days: 10,
        dead_job_days: 5,
        conversation_days: 30,
        ..forever()
    };
    let sweep = |second| Command::Sweep { now: at(second), keep };
    with_everything(w, 1).await;
    for n in 1..=3 {
        w.one(disclose(0, w.plain(5, n), 0)).await;
    }
    w.one(finish(1, sent())).await;
    w.one(finish(2, Delivery::Denied { reason: "killed".into() })).await;
    w.one(claim(3, OutboxState::Pending, 600)).await;
    for n in [1, 2] {
        w.one(Command::Enqueue(job(n))).await;
        w.one(Command::FinishJob { id: [n; 16], outcome: JobOutcome::Dead }).await;
    }
    w.one(Command::Enqueue(job(3))).await;
    let left = || async {
        let mut left = Vec::new();
        for n in [10, 11, 12, 13, 14, 1, 2, 3] {
            if w.store.outbox_entry(message(n)).await.expect("answers").is_some() {
                left.push(n);
            }
        }
        left
    };
    // Jobs that were given up, from when they were due.
    w.one(sweep(5 * DAY + 1)).await;
    assert_eq!(w.store.counts().await.expect("answers").jobs_dead, 2, "not before");
    w.one(sweep(5 * DAY + 2)).await;
    assert_eq!(w.store.counts().await.expect("answers").jobs_dead, 1);
    w.one(sweep(5 * DAY + 3)).await;
    let jobs = w.store.jobs_due(at(9), 9).await.expect("answers");
    assert_eq!(
        (w.store.counts().await.expect("answers").jobs_dead, jobs),
        (0, vec![job(3)]),
        "what waits stays"
    );
    // Messages, with bank data and without; what is under way stays.
    assert_eq!(left().await, [10, 11, 12, 13, 14, 1, 2, 3]);
    w.one(sweep(10 * DAY)).await;
    assert_eq!(left().await, [10, 11, 12, 13, 14, 1, 2, 3], "at the day, not after it");
    w.one(sweep(10 * DAY + 1)).await;
    assert_eq!(left().await, [10, 11, 12, 13, 14, 3]);
    w.one(sweep(20 * DAY)).await;
    assert_eq!(left().await, [10, 11, 12, 13, 14, 3]);
    // The one that waited (14) was given up when its ticket was over: it goes with those that were sent or given up.
    w.one(sweep(20 * DAY + 1)).await;
    assert_eq!(left().await, [12, 13, 3]);
    w.chain(1).await;

    // Silent chats without a link, a shard at a time.
    for n in [1, 2, 3] {
        w.one(chat(n, 0)).await;
    }
    w.one(chat(3, 60 * DAY)).await;
    let now = |shard: Shard, from: i64| {
        let micros = micros(at(from)) / 1_000_000;
        let turn = limits::CONVERSATION_SHARD_S * i64::from(ids::SHARDS);
        let start = micros - micros.rem_euclid(turn) + i64::from(shard.0) * limits::CONVERSATION_SHARD_S;
        from_micros((start + if start < micros { turn } else { 0 }) * 1_000_000)
    };
    let there =
        |n: u8| async move { w.store.conversation(&conversation(n)).await.expect("answers").is_some() };
    // One in which nobody was welcomed, or that wanted to be forgotten, is over after a week.
    let stranger = Conversation { id: conversation(4), welcomed_at: None, ..of_chat(4, 0) };
    w.one(Command::PutConversation(stranger)).await;
    for (from, stays) in [(5, true), (9, false)] {
        let now = now(conversation(4).shard(), from * DAY);
        w.one(Command::Sweep { now, keep }).await;
        assert_eq!(there(4).await, stays, "{from}");
    }
    // Its turn comes before its time, then after it.
    for (from, stays) in [(25, true), (31, false)] {
        let now = now(conversation(2).shard(), from * DAY);
        w.one(Command::Sweep { now, keep }).await;
        assert_eq!(there(2).await, stays, "{from}");
    }
    for n in [1, 3] {
        let now = now(conversation(n).shard(), 61 * DAY);
        w.one(Command::Sweep { now, keep }).await;
        assert!(there(n).await, "one has a link, the other wrote yesterday");
    }
}

pub(crate) async fn the_retention_report_says_what_is_kept_and_what_went(w: &World) {
    let of = |report: &RetentionReport, kind: DataKind| {
        let holding = report.holdings.iter().find(|holding| holding.kind == kind).expect("every kind");
        (holding.rows, holding.oldest, holding.removed_last, holding.removed_total)
    };
    let report = w.store.retention_report().await.expect("answers");
    assert_eq!(report.swept_at, None);
    assert_eq!(report.holdings.iter().map(|holding| holding.kind).collect::<Vec<_>>(), DataKind::ALL);
    for kind in DataKind::ALL {
        assert_eq!(of(&report, kind), (0, None, None, 0), "{}", kind.as_str());
    }
    assert_eq!(*w.store.retention(), Retention::default());

    with_everything(w, 1).await;
    w.one(disclose(0, w.plain(5, 1), 3)).await;
    w.one(finish(1, sent())).await;
    w.one(told(1, 2, 7)).await;
    w.one(chat(1, 4)).await;
    let setup = vec![
        Command::PutToken(token(1)),
        Command::PutToken(Token { expires_at: at(500), ..token(2) }),
        Command::PutSession(Session { hash: [1; 32], body: vec![1], expires_at: at(550) }),
        Command::Enqueue(job(1)),
        Command::FinishJob { id: [1; 16], outcome: JobOutcome::Dead },
        Command::SetAside(crate::upkeep::aside_record(7, 9, 5)),
        Command::Accept(event(1, 1)),
        Command::Accept(event(2, 2)),
        Command::Accept(event(3, 3)),
    ];
    w.store.submit(setup).await.expect("kept");
    let results = [InboxResult::Done, InboxResult::Failed { reason: "x".into() }];
    for (row, result) in waiting(&w.store, 9, 2).await.iter().zip(results) {
        w.one(Command::FinishInbox { shard: row.shard, position: row.position, result }).await;
    }
    let active = Command::SetLink {
        shard: Shard(1),
        id: LinkId::from_bytes([1; 16]),
        from: LinkState::Active,
        to: LinkState::Ended,
        at: at(8),
    };
    w.one(active).await;
    let report = w.store.retention_report().await.expect("answers");
    for (kind, rows, oldest) in [
        (DataKind::OneTimeLink, 2, 500),
        (DataKind::Session, 1, 550),
        (DataKind::EventKey, 1, 1),
        (DataKind::FailedEvent, 1, 2),
        (DataKind::Message, 2, 0),
        (DataKind::PlainMessage, 1, 3),
        (DataKind::Story, 2, 0),
        (DataKind::Book, 1, 0),
        (DataKind::Conversation, 1, 4),
        (DataKind::DeadJob, 1, 1),
        (DataKind::AsideRecord, 1, 5),
        (DataKind::Customer, 1, 8),
    ] {
        assert_eq!(of(&report, kind), (rows, Some(at(oldest)), None, 0), "{}", kind.as_str());
        // Kept too long from the end of its days on, and until then not.
        let holding = report.holdings.iter().find(|holding| holding.kind == kind).expect("every kind");
        let keep = w.store.retention();
        let end = oldest + kind.days(keep).unwrap_or(0) * DAY;
        let over = if kind == DataKind::Conversation { 0 } else { 60 };
        let overdue = [end - 1, end, end + 60].map(|second| holding.overdue_s(at(second), keep));
        assert_eq!(overdue, [0, 0, over], "{}", kind.as_str());
    }

    // What a sweep removes is on record: of the last time that it removed any, and ever.
    for second in [500, 600, 601] {
        w.one(Command::Sweep { now: at(second), keep: forever() }).await;
    }
    let report = w.store.retention_report().await.expect("answers");
    assert_eq!(report.swept_at, Some(at(601)));
    assert_eq!(of(&report, DataKind::OneTimeLink), (0, None, Some((1, at(600))), 2));
    assert_eq!(of(&report, DataKind::Session), (0, None, Some((1, at(600))), 1));
    // A customer is erased, not swept; it is on record all the same.
    assert_eq!(of(&report, DataKind::Customer).0, 1);
    finished(w, 1).await;
    let report = w.store.retention_report().await.expect("answers");
    assert_eq!(of(&report, DataKind::Customer), (0, None, Some((1, at(80))), 1));
    assert_eq!(of(&report, DataKind::Message), (0, None, None, 0));
    assert_eq!(of(&report, DataKind::Story).0, 0);
}

pub(crate) async fn how_long_data_is_kept_is_told_at_the_opening(w: &World) {
    let retention = Retention { story_days: 7, ..Retention::default() };
    let options = OpenOptions { auto_migrate: false, retention };
    let (entropy, clock) = (w.entropy.clone(), w.clock.clone());
    let url = w.place.url();
    let store = open_with(&url, keys(&url, MASTER), entropy, clock, options).await.expect("opens");
    assert_eq!(*store.retention(), retention);
    assert_eq!(w.store.retention().story_days, limits::STORY_DAYS, "each store its own");
}
