//! The book of an account in a conversation: what was told of its transactions, sealed, so that a posting is known
//! again under another id, and so that what was silent by mistake is told. The gate reads it; here it is only carried.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::UNTOLD_MAX;
use crate::sealed::BankWork;
use crate::update::{Keys, STORY, Step};
use crate::worker::Trouble;
use amana_core::{BankEvent, BankEventKind, EventKey, Purpose};
use amana_gate::{Again, Protected, Subject};
use amana_pure::News;
use amana_render::Story as Telling;
use amana_store::{BookRow, Command, InboxRow, StoryState};

/// What comes of a transaction's event, by the book.
pub(crate) struct Plan {
    /// Of the event itself.
    pub(crate) step: Step,
    /// The story that it goes on with, whatever the bank calls it.
    pub(crate) referred: Option<[u8; 32]>,
    /// The book as it is after that.
    pub(crate) book: Option<Command>,
    /// What else is news now.
    pub(crate) again: Vec<Again>,
}

pub(crate) fn telling_of(news: News) -> Telling {
    match news {
        News::New => Telling::New,
        News::Changed => Telling::Changed,
        News::Posted => Telling::Posted,
        News::Reversed => Telling::Reversed,
    }
}

/// How far a story has come with an event of this kind.
fn state_of(kind: BankEventKind) -> StoryState {
    match kind {
        BankEventKind::TransactionAuthorised => StoryState::Authorised,
        BankEventKind::TransactionPosted | BankEventKind::BalanceChanged => StoryState::Posted,
        BankEventKind::TransactionReversed => StoryState::Reversed,
    }
}

impl Gateway {
    /// What the book says of an event. `None`: it is about no transaction, or about one that was told before the book
    /// begins (`remembered`: there is a story of it), and the stories decide. `untold` are ids of which the stories say
    /// that nothing was told after all.
    pub(crate) async fn by_the_book(
        &self,
        work: &BankWork,
        remembered: bool,
        mut untold: Vec<String>,
    ) -> Result<Option<Plan>, FlowError> {
        let event = &work.event;
        let Some(id) =
            event.transaction_id.as_deref().filter(|_| event.kind != BankEventKind::BalanceChanged)
        else {
            return Ok(None);
        };
        let (shard, customer) = (work.link.shard, work.customer.id);
        let key = Keys::mac(work, b"book", "");
        let subject = Subject { institution: work.link.institution.clone(), customer };
        let data_key = work.customer.key.for_purpose(Purpose::TransactionUpdate);
        let stored = self.store.book(shard, customer, &key).await?;
        // A source whose clock runs ahead must not make what comes after it look old.
        let occurred = event.occurred.min(self.now());
        let (book, advance) = loop {
            let mut book = match &stored {
                Some(row) => Protected::unseal(subject.clone(), &data_key, &context(&key), &row.sealed)?,
                None => Protected::begun(subject.clone()),
            };
            for id in &untold {
                book.forget_untold(id);
            }
            let known = book.knows(id) || event.reference_id.as_deref().is_some_and(|id| book.knows(id));
            if remembered && !known {
                return Ok(None);
            }
            let Some(advance) = book.advance(event.kind, &work.body, occurred, self.now()) else {
                return Ok(None);
            };
            // What it was taken to go on with, without the bank's word, was never told either: then it goes on with
            // nothing. Each round takes one more transaction out of the book.
            match advance.of.as_deref() {
                Some(of) if untold.len() < UNTOLD_MAX && self.is_untold(work, of).await? => {
                    untold.push(of.to_owned());
                }
                _ => break (book, advance),
            }
        };
        let state = state_of(event.kind);
        let step = match advance.step {
            amana_pure::Step::Drop => Step::Drop,
            amana_pure::Step::Remember => Step::Remember(state),
            amana_pure::Step::Tell(news) => Step::Tell(telling_of(news), state),
        };
        let sealed = book.seal(&data_key, &context(&key), &*self.entropy)?;
        let row = BookRow { shard, customer, key, sealed, changed_at: self.now() };
        Ok(Some(Plan {
            step,
            referred: advance.of.map(|id| Keys::mac(work, STORY, &id)),
            book: Some(Command::PutBook(row)),
            again: advance.again,
        }))
    }

    /// Whether the story of a transaction says that nothing was told of it.
    async fn is_untold(&self, work: &BankWork, id: &str) -> Result<bool, FlowError> {
        // Those that the event itself names were read before, and stand in `untold` if they are.
        if work.event.reference_id.as_deref() == Some(id) {
            return Ok(false);
        }
        let key = Keys::mac(work, STORY, id);
        let story = self.store.story(work.link.shard, work.customer.id, &key).await?;
        Ok(story.is_some_and(|story| story.state == StoryState::Untold))
    }

    /// An earlier transaction that was taken for another one, as the event that it would have been.
    pub(crate) fn again(
        &self,
        row: &InboxRow,
        work: &BankWork,
        again: Again,
    ) -> Result<(InboxRow, BankWork), Trouble> {
        let name = format!("{}\0{}\0again\0{}", work.link.id, work.event.id, again.id);
        let event = BankEvent {
            kind: BankEventKind::TransactionPosted,
            transaction_id: Some(again.id),
            reference_id: None,
            ..work.event.clone()
        };
        let key = EventKey::new(Some(event.occurred), event.institution.as_str(), &name);
        let key = self.store.keyring().event_key(&key);
        let (customer, link) = (work.customer.clone(), work.link.clone());
        let body = self.seal_event(&customer, &link, &event, &again.body, &key.0)?;
        let row = InboxRow { key, body, ..row.clone() };
        Ok((row, BankWork { customer, link, event, body: again.body }))
    }
}

fn context(key: &[u8; 32]) -> Vec<u8> {
    [b"book".as_slice(), key].concat()
}
