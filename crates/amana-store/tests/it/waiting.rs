//! News that wait for their customer, who has a conversation, and how channels stand.

use crate::outbox::{claim, disclose, finish};
use crate::world::*;
use amana_core::*;
use amana_store::*;

fn news(n: u8, story: u8, telling: WaitingTelling) -> Command {
    Command::PutWaiting(Waiting {
        shard: Shard(1),
        position: i64::from(n),
        customer: customer_id(1),
        link: LinkId::from_bytes([1; 16]),
        story: [story; 32],
        telling,
        key: EventKey([n; 32]),
        body: vec![n; 40],
        conversation: conversation(1),
        noticed_at: None,
        created_at: at(i64::from(n)),
    })
}

fn chat(second: Option<i64>) -> Command {
    Command::PutConversation(Conversation {
        id: conversation(1),
        lang: Lang::English,
        lang_chosen: false,
        last_inbound_at: second.map(at),
        welcomed_at: None,
        elsewhere: None,
    })
}

async fn linked(w: &World) {
    w.customer(1).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
}

async fn stories(w: &World) -> Vec<(i64, u8, WaitingTelling, Option<Timestamp>)> {
    let rows = w.store.waiting(Shard(1), LinkId::from_bytes([1; 16])).await.expect("answers");
    rows.into_iter().map(|row| (row.position, row.story[0], row.telling, row.noticed_at)).collect()
}

pub(crate) async fn conversations(w: &World) {
    let id_ = conversation(1);
    assert_eq!(w.store.conversation(&id_).await.expect("answers"), None);
    let mut record = Conversation {
        id: id_.clone(),
        lang: Lang::Arabic,
        lang_chosen: false,
        last_inbound_at: Some(at(100)),
        welcomed_at: Some(at(90)),
        elsewhere: None,
    };
    assert_eq!(w.one(Command::PutConversation(record.clone())).await, Outcome::Changed);
    assert_eq!(w.store.conversation(&id_).await.expect("answers").as_ref(), Some(&record));
    for earlier in [Some(at(50)), None] {
        w.one(Command::PutConversation(Conversation { last_inbound_at: earlier, ..record.clone() })).await;
        let stored = w.store.conversation(&id_).await.expect("answers").expect("is there");
        assert_eq!(stored.last_inbound_at, Some(at(100)), "it never moves back");
    }
    w.one(Command::PutConversation(Conversation { last_inbound_at: Some(at(101)), ..record.clone() })).await;
    w.one(Command::SetLang { conversation: id_.clone(), lang: Lang::English }).await;
    record.last_inbound_at = Some(at(101));
    record.lang = Lang::English;
    record.lang_chosen = true;
    assert_eq!(w.store.conversation(&id_).await.expect("answers"), Some(record));
    // Where nothing was yet.
    w.one(Command::SetLang { conversation: conversation(2), lang: Lang::Arabic }).await;
    let made = w.store.conversation(&conversation(2)).await.expect("answers").expect("is there");
    assert_eq!((made.lang, made.lang_chosen, made.last_inbound_at), (Lang::Arabic, true, None));
    let first = Conversation { id: conversation(3), last_inbound_at: None, ..made };
    w.one(Command::PutConversation(first.clone())).await;
    w.one(Command::PutConversation(Conversation { last_inbound_at: Some(at(5)), ..first })).await;
    let stored = w.store.conversation(&conversation(3)).await.expect("answers").expect("is there");
    assert_eq!(stored.last_inbound_at, Some(at(5)));
}

pub(crate) async fn newer_news_take_the_place_of_older_and_are_taken_once(w: &World) {
    use WaitingTelling::{Changed, New, Posted, Reversed};
    assert_eq!(w.refused(vec![news(1, 1, New)]).await, (0, "link"), "nobody is linked");
    linked(w).await;
    for command in [news(1, 1, New), news(2, 2, New), news(3, 1, Changed)] {
        w.one(command).await;
    }
    // Who never heard of a story hears of it for the first time, whatever has changed since.
    assert_eq!(stories(w).await, [(2, 2, New, None), (3, 1, New, None)]);
    let (shard, link) = (Shard(1), LinkId::from_bytes([1; 16]));
    w.one(Command::NoticeWaiting { shard, link, at: at(5) }).await;
    w.one(news(4, 2, New)).await;
    assert_eq!(stories(w).await, [(3, 1, New, Some(at(5))), (4, 2, New, Some(at(5)))], "told of once");
    assert_eq!(w.store.counts().await.expect("answers").news_waiting, 2);
    let take = |places: &[(i64, u8)]| {
        let taken = places.iter().map(|(position, story)| (*position, [*story; 32])).collect();
        Command::TakeWaiting { shard, link, taken }
    };
    for gone in [[(3, 1), (2, 2)], [(3, 1), (4, 1)]] {
        assert_eq!(w.refused(vec![take(&gone)]).await, (0, "waiting news"));
    }
    assert_eq!(stories(w).await.len(), 2, "all or none");
    w.one(take(&[(3, 1)])).await;
    assert_eq!(stories(w).await.len(), 1);
    // What one event left has one place, and each of it is taken by itself.
    w.one(news(4, 3, Reversed)).await;
    w.one(take(&[(4, 2)])).await;
    assert_eq!(stories(w).await, [(4, 3, Reversed, None)]);
    // What is undone is that, and what comes after it is what it says.
    w.one(news(5, 3, Changed)).await;
    assert_eq!(stories(w).await, [(5, 3, Changed, None)]);
    w.one(news(6, 4, New)).await;
    w.one(news(7, 4, Posted)).await;
    w.one(news(8, 5, New)).await;
    w.one(news(9, 5, Reversed)).await;
    assert_eq!(stories(w).await[1..], [(7, 4, New, None), (9, 5, Reversed, None)]);
    // With the link goes what waits on it, and who would have heard of it for the first time was not told.
    let told = [4, 5, 6].map(|n| ([n; 32], StoryState::Posted));
    for (key, state) in told {
        let (customer, told) = (customer_id(1), amana_gate::Told::from_stored([9; 32]));
        w.one(Command::PutStory(Story { shard, customer, key, state, told, at: at(5), by: None })).await;
    }
    w.one(Command::SetLink { shard, id: link, from: LinkState::Active, to: LinkState::Ended, at: at(6) })
        .await;
    assert_eq!(w.store.counts().await.expect("answers").news_waiting, 0);
    let mut states = Vec::new();
    for (key, _) in told {
        let story = w.store.story(shard, customer_id(1), &key).await.expect("answers");
        states.push(story.expect("there").state);
    }
    assert_eq!(states, [StoryState::Untold, StoryState::Posted, StoryState::Posted]);
}

/// Of a message that is on record as never sent nothing was told: what it would have said for the first time, of its
/// own customer, and no other.
pub(crate) async fn what_a_denied_message_would_have_told_is_untold(w: &World) {
    use WaitingTelling::{Changed, Posted, Reversed};
    linked(w).await;
    let shard = Shard(1);
    w.customer(2).await;
    let mine = w.store.customer(shard, customer_id(1)).await.expect("answers").expect("there");
    let consent = consent(1, 1, 1);
    let key = |n: u8| [n; 32];
    let put = |of: u8, n: u8, by: Option<u8>| {
        let (state, told) = (StoryState::Posted, amana_gate::Told::from_stored([9; 32]));
        let (shard, customer, by) = (Shard(of.into()), customer_id(of), by.map(message));
        Command::PutStory(Story { shard, customer, key: key(n), state, told, at: at(1), by })
    };
    let by = async |of: u8, n: u8| {
        let story = w.store.story(Shard(of.into()), customer_id(of), &key(n)).await.expect("answers");
        let story = story.expect("there");
        (story.state == StoryState::Untold, story.by)
    };
    // 1 is of message 1 and goes on; 2 is of message 2; 3 waited and is told with message 1; 4 is nobody's.
    for (of, n, told_by) in [(1, 1, Some(1)), (1, 1, None), (1, 2, Some(2)), (1, 3, None), (1, 4, None)] {
        w.one(put(of, n, told_by)).await;
    }
    w.one(Command::ToldBy { shard, customer: mine.id, stories: vec![key(3)], message: message(1) }).await;
    // What waits on goes on with its story.
    for (n, telling) in [(5, Changed), (6, Posted), (7, Reversed)] {
        w.one(put(1, n, Some(1))).await;
        w.one(news(n, n, telling)).await;
    }
    w.one(news(8, 4, Changed)).await;
    w.one(Command::NoticeWaiting { shard, link: LinkId::from_bytes([1; 16]), at: at(5) }).await;
    w.one(put(2, 1, Some(1))).await;
    let ends = async |n: u8, anytime: bool, kind: amana_gate::ReceiptKind| {
        let mut disclosure = w.disclosure(&mine, &consent, n);
        disclosure.row.anytime = anytime;
        w.one(disclose(1, disclosure, 0)).await;
        let row = w.store.outbox_entry(message(n)).await.expect("answers").expect("there").row;
        let basis = row.basis.as_ref().expect("bank data");
        let mut draft = amana_gate::ReceiptDraft::of_outcome(&row, basis, "purpose-killed", at(9));
        draft.kind = kind;
        w.one(Command::FinishOutbox {
            message: message(n),
            delivery: Delivery::Denied { reason: "purpose-killed".into() },
            receipt: Some((shard, mine.id, draft)),
            at: at(9),
        })
        .await;
    };
    // It may have arrived.
    ends(2, true, amana_gate::ReceiptKind::Outcome).await;
    assert_eq!(by(1, 2).await, (false, Some(message(2))));
    ends(1, false, amana_gate::ReceiptKind::Denial).await;
    assert_eq!([by(1, 1).await, by(1, 3).await], [(true, Some(message(1))); 2]);
    for n in [5, 6, 7] {
        assert_eq!(by(1, n).await, (false, Some(message(1))), "{n} waits");
    }
    assert_eq!((by(1, 4).await, by(2, 1).await), ((false, None), (false, Some(message(1)))));
    let new = WaitingTelling::New;
    let noticed = Some(at(5));
    let left =
        [(5, 5, new, noticed), (6, 6, new, noticed), (7, 7, Reversed, noticed), (8, 4, Changed, noticed)];
    assert_eq!(stories(w).await, left);
    // The notice itself: of what waits it told nobody.
    ends(3, true, amana_gate::ReceiptKind::Denial).await;
    assert!(stories(w).await.iter().all(|(.., noticed)| noticed.is_none()));
    // Told after all, by another.
    w.one(put(1, 1, Some(4))).await;
    assert_eq!(by(1, 1).await, (false, Some(message(4))));
}

pub(crate) async fn who_can_be_told_is_who_was_here_and_is_nobody_elses(w: &World) {
    linked(w).await;
    w.one(news(1, 1, WaitingTelling::New)).await;
    let found = async |since: Option<i64>, elsewhere: i64| {
        w.store.waiting_reachable(since.map(at), at(elsewhere), 0, 10).await.expect("answers").len()
    };
    assert_eq!(found(Some(100), 0).await, 0, "no conversation at all");
    w.one(chat(None)).await;
    assert_eq!((found(Some(100), 0).await, found(None, 0).await), (0, 0), "nothing was ever said");
    w.one(chat(Some(200))).await;
    assert_eq!((found(Some(100), 0).await, found(Some(200), 0).await, found(None, 0).await), (1, 0, 1));
    let from = async |after: i64| w.store.waiting_reachable(None, at(0), after, 10).await.expect("answers");
    let first = from(0).await.first().map(|(_, _, position)| *position).expect("one");
    assert_eq!(
        (from(first - 1).await.len(), from(first).await.len()),
        (1, 0),
        "a look goes on after the last"
    );
    let elsewhere = Elsewhere { app: Some("263902037430900".into()), since: at(210) };
    let owner = async |elsewhere: Option<Elsewhere>, said: i64| {
        w.one(Command::SetOwner { conversation: conversation(1), elsewhere, said_at: at(said) }).await
    };
    owner(Some(elsewhere.clone()), 210).await;
    let held = async |since: i64| w.store.waiting_elsewhere(at(since), 10).await.expect("answers").len();
    assert_eq!((held(209).await, held(210).await), (1, 0), "those are asked after");
    let stored = w.store.conversation(&conversation(1)).await.expect("answers").expect("there");
    assert_eq!(stored.elsewhere, Some(elsewhere));
    assert_eq!((found(Some(100), 209).await, found(Some(100), 210).await), (0, 1), "until it is over");
    w.one(chat(Some(300))).await;
    assert_eq!(found(Some(100), 0).await, 0, "a record that is written anew leaves the owner as it is");
    assert_eq!(w.store.channel_queue(&conversation(1).channel).await.expect("answers").elsewhere, 1);
    assert_eq!(owner(None, 209).await, Outcome::Unchanged, "an older word that comes later");
    assert_eq!(found(Some(100), 0).await, 0);
    owner(None, 211).await;
    assert_eq!((found(Some(100), 0).await, held(0).await), (1, 0));
    let late = Elsewhere { app: None, since: at(210) };
    assert_eq!(owner(Some(late), 210).await, Outcome::Unchanged);
    assert_eq!(found(Some(100), 0).await, 1);
    w.one(Command::Sweep { now: at(limits::WAITING_DAYS * 86_400 + 10), keep: forever() }).await;
    assert_eq!(w.store.counts().await.expect("answers").news_waiting, 0, "old news are none");
}

pub(crate) async fn what_goes_at_any_time_waits_for_nobody(w: &World) {
    w.one(chat(None)).await;
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(finish(1, Delivery::Unreachable { seen: None })).await;
    let queue = w.store.channel_queue(&conversation(1).channel).await.expect("answers");
    assert_eq!((queue.held, queue.unreachable, queue.open), (1, 1, 0));
    w.one(disclose(0, w.plain(1, 2), 0)).await;
    let mut anytime = w.plain(1, 3);
    anytime.row.anytime = true;
    w.one(disclose(0, anytime, 0)).await;
    let heads = w.store.outbox_heads(at(1), &[], 10).await.expect("answers");
    assert_eq!(heads.iter().map(|e| e.row.message).collect::<Vec<_>>(), [message(3)]);
    assert!(heads[0].row.anytime);
    // Holding another back leaves it alone.
    w.one(finish(2, Delivery::Held { seen: None })).await;
    assert_eq!(w.store.outbox_heads(at(1), &[], 10).await.expect("answers").len(), 1);
    w.one(Command::OpenWindow { conversation: conversation(1) }).await;
    let queue = w.store.channel_queue(&conversation(1).channel).await.expect("answers");
    assert_eq!((queue.held, queue.unreachable, queue.open), (0, 0, 3));
}

pub(crate) async fn channels_texts_alarms_and_requests_are_on_record(w: &World) {
    let channel = conversation(1).channel;
    let health =
        |health, second| Command::SetChannelHealth { channel: channel.clone(), health, at: at(second) };
    assert_eq!(w.one(health(ChannelHealth::Good, 1)).await, Outcome::Unchanged);
    assert_eq!(w.one(health(ChannelHealth::TokenDead, 2)).await, Outcome::Changed);
    assert_eq!(w.one(health(ChannelHealth::TokenDead, 3)).await, Outcome::Unchanged);
    let states = w.store.channel_states().await.expect("answers");
    assert_eq!((states[0].health, states[0].since), (ChannelHealth::TokenDead, at(2)), "since it began");
    assert_eq!(w.one(health(ChannelHealth::Good, 4)).await, Outcome::Changed);
    assert!(w.store.channel_states().await.expect("answers").is_empty());

    let alarm = |about: &str| Command::RaiseAlarm {
        channel: channel.clone(),
        about: about.to_owned(),
        kind: AlarmKind::ChannelBlocked,
        at: at(5),
    };
    assert_eq!(w.one(alarm("block 1")).await, Outcome::Changed);
    assert_eq!(w.one(alarm("block 1")).await, Outcome::Unchanged);
    assert_eq!(w.one(alarm("block 2")).await, Outcome::Changed);
    assert_eq!(w.store.alarms(false, 10).await.expect("answers").len(), 2);

    let text = |status: &str, second| {
        Command::PutApprovedText(StoredText {
            channel: channel.clone(),
            name: "news".into(),
            lang: Lang::Arabic,
            status: status.into(),
            reason: None,
            at: at(second),
        })
    };
    w.one(text("PENDING", 1)).await;
    w.one(text("APPROVED", 9)).await;
    assert_eq!(w.one(text("PENDING", 8)).await, Outcome::Unchanged, "an older word");
    assert_eq!(w.store.approved_texts(&channel).await.expect("answers")[0].status, "APPROVED");

    let code = [7; 16];
    let request = || {
        let kind = PlatformRequestKind::Deletion;
        Command::PutPlatformRequest(PlatformRequest {
            code,
            kind,
            chats: 0,
            untold: 0,
            at: at(1),
            done_at: None,
        })
    };
    w.one(request()).await;
    assert_eq!(w.refused(vec![request()]).await, (0, "code of the request"));
    // What was done in some chats counts on; what is done stays so.
    for (chats, untold, done_at, now) in [
        (2, 1, None, (2, 1, None)),
        (1, 0, Some(at(4)), (3, 0, Some(at(4)))),
        (9, 9, None, (3, 0, Some(at(4)))),
    ] {
        w.one(Command::NotePlatformRequest { code, chats, untold, done_at }).await;
        let found = w.store.platform_request(&code).await.expect("answers").expect("there");
        assert_eq!((found.chats, found.untold, found.done_at), now);
    }
    assert_eq!(w.store.platform_request(&[8; 16]).await.expect("answers"), None);
}

/// Who wants nothing kept and is nobody's customer: texts, links, what was given up and the chat's row go, and nobody
/// else's. An answer that is on its way is still sent.
pub(crate) async fn a_chat_that_wants_to_be_forgotten_leaves_no_words(w: &World) {
    let (mine, others) = (conversation(9), conversation(8));
    let (shard, lane) = (mine.shard(), [9; 32]);
    for chat in [&mine, &others] {
        let lang = Lang::Arabic;
        let (id, lang_chosen, last_inbound_at) = (chat.clone(), true, Some(at(1)));
        let (welcomed_at, elsewhere) = (Some(at(1)), None);
        let row = Conversation { id, lang, lang_chosen, last_inbound_at, welcomed_at, elsewhere };
        w.one(Command::PutConversation(row)).await;
    }
    for n in [9, 8] {
        w.one(Command::PutToken(token(n))).await;
    }
    for n in [41, 42] {
        let source = InboxSource::Chat;
        w.one(Command::Accept(NewInbox { shard, lane, source, ..event(9, n) })).await;
    }
    let first = w.store.inbox_heads(at(99), InboxSource::Chat, 9).await.expect("answers").remove(0);
    let result = InboxResult::Failed { reason: "test".into() };
    w.one(Command::FinishInbox { shard, position: first.position, result }).await;
    for (person, n) in [(9, 21), (9, 22), (8, 23)] {
        let shard = conversation(person).shard();
        w.one(Command::Disclose { shard, disclosure: w.plain(person, n), at: at(2) }).await;
    }
    w.one(claim(21, OutboxState::Pending, 600)).await;
    w.one(finish(21, Delivery::Dead { reason: "test".into() })).await;

    let row = |n| async move { w.store.outbox_entry(message(n)).await.expect("answers").expect("there") };
    let said = |n| async move { row(n).await.row.payload.len() };
    let forget = |unsent| Command::ForgetChat { conversation: conversation(9), lane: [9; 32], unsent };
    let token_of = |n: u8| async move { w.store.token(&[n; 32]).await.expect("answers") };
    let chat = |of: ConversationId| async move { w.store.conversation(&of).await.expect("answers") };

    assert!(said(21).await > 0 && token_of(9).await.is_some());
    w.one(forget(false)).await;
    assert_eq!((said(21).await, token_of(9).await), (0, None), "what was given up, and the way in");
    assert!(w.store.inbox_failed(9).await.expect("answers").is_empty());
    let left = chat(mine.clone()).await.expect("an answer is still to be sent");
    assert_eq!((left.lang, left.lang_chosen, left.welcomed_at), (Lang::default(), false, None));
    assert_eq!(left.last_inbound_at, Some(at(1)), "by which its window is known");
    assert!(said(22).await > 0 && row(22).await.state == OutboxState::Pending);
    assert_eq!(w.store.inbox_heads(at(99), InboxSource::Chat, 9).await.expect("answers").len(), 1);

    // Where nobody waits for an answer. What is on its way may be there, and is looked for if an echo comes.
    w.one(claim(22, OutboxState::Pending, 600)).await;
    w.one(Command::Disclose { shard, disclosure: w.plain(9, 24), at: at(2) }).await;
    w.one(forget(true)).await;
    let on_its_way = row(22).await;
    assert_eq!((on_its_way.state, on_its_way.doubtful), (OutboxState::Dead, true));
    assert_eq!((said(22).await, said(24).await, row(24).await.state), (0, 0, OutboxState::Denied));
    assert_eq!(chat(mine.clone()).await, None);
    assert!(w.store.inbox_heads(at(99), InboxSource::Chat, 9).await.expect("answers").is_empty());
    let again = NewInbox { shard, lane, source: InboxSource::Chat, ..event(9, 41) };
    assert_eq!(
        w.one(Command::Accept(again)).await,
        Outcome::Duplicate,
        "a redelivery is noticed all the same"
    );
    assert_eq!(w.one(forget(true)).await, Outcome::Unchanged);

    // Others are as they were, and a chat with a link keeps all.
    assert!(said(23).await > 0 && token_of(8).await.is_some());
    let there = chat(others.clone()).await.expect("there");
    assert!(there.lang_chosen && there.welcomed_at.is_some());
    w.customer(8).await;
    w.one(Command::CreateLink(link(8, 8, LinkState::Active))).await;
    w.one(Command::ForgetChat { conversation: others.clone(), lane: [8; 32], unsent: true }).await;
    assert_eq!(chat(others).await, Some(there));
    assert!(said(23).await > 0 && token_of(8).await.is_some(), "nor does anything of it go");
}
