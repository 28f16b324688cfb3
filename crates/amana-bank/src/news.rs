//! What has come about at a bank that pushes nothing: read, and put into the words of the events that it would have
//! sent.

use crate::bank::{Actor, News, Of};
use crate::connector::{Failure, FdxBank};
use crate::fdx::{Payer, TransactionRow};
use crate::tokens::Tokens;
use amana_core::{
    AccountId, BankEvent, BankEventBody, BankEventKind, InstitutionId, Timestamp, TransactionState,
};
use amana_gate::{Protected, Subject};

impl FdxBank {
    pub(crate) async fn read_news(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        of: &Of,
    ) -> Result<News, Failure> {
        // Before the call: what the bank changes meanwhile is newer than what it answers.
        let asked = self.clock.now();
        let payer = Payer::of(tokens, subject.customer);
        let before = self.spending.batch(payer, asked);
        // At midnight the count begins anew: then it is too small by those of the old day.
        let calls = || self.spending.batch(payer, self.clock.now()).saturating_sub(before).max(1);
        match of {
            Of::Balances => {
                let (accounts, skipped) = self.read_accounts(tokens, payer, Actor::Batch).await?;
                let with_balance = accounts.into_iter().filter(|a| a.current.or(a.available).is_some());
                let events = with_balance.map(|mut account| {
                    account.as_of = account.as_of.or(Some(asked));
                    let event = BankEvent {
                        // The bank's own time may be of the day alone: what changed twice in it is news twice.
                        occurred: asked,
                        ..blank(&self.config.id, account.id.clone(), BankEventKind::BalanceChanged)
                    };
                    (event, Protected::new(subject.clone(), BankEventBody::Balance(account)))
                });
                Ok(News { events: events.collect(), whole: skipped == 0, calls: calls() })
            }
            Of::Transactions { account, from, to } => {
                let (mut rows, truncated) =
                    self.read_rows(tokens, account, (*from, *to), payer, Actor::Batch).await?;
                rows.sort_by(|a, b| (when(a), &a.transaction.id).cmp(&(when(b), &b.transaction.id)));
                let events = rows.into_iter().map(|row| {
                    let event = event(&self.config.id, &row);
                    (event, Protected::new(subject.clone(), BankEventBody::Transaction(row.transaction)))
                });
                Ok(News { events: events.collect(), whole: !truncated, calls: calls() })
            }
        }
    }
}

/// When what a row says came about: a booking, when it was booked.
fn when(row: &TransactionRow) -> Timestamp {
    match row.transaction.state {
        TransactionState::Pending => row.transaction.at,
        TransactionState::Posted | TransactionState::Reversed => row.posted.unwrap_or(row.transaction.at),
    }
}

fn event(institution: &InstitutionId, row: &TransactionRow) -> BankEvent {
    let (kind, word) = match row.transaction.state {
        TransactionState::Pending => (BankEventKind::TransactionAuthorised, "authorised"),
        TransactionState::Posted => (BankEventKind::TransactionPosted, "posted"),
        TransactionState::Reversed => (BankEventKind::TransactionReversed, "reversed"),
    };
    BankEvent {
        id: format!("read {word} {}", row.transaction.id),
        occurred: when(row),
        transaction_id: Some(row.transaction.id.clone()),
        reference_id: row.transaction.reference_id.clone(),
        ..blank(institution, row.transaction.account.clone(), kind)
    }
}

fn blank(institution: &InstitutionId, account: AccountId, kind: BankEventKind) -> BankEvent {
    BankEvent {
        institution: institution.clone(),
        id: "read balance".to_owned(),
        occurred: Timestamp::UNIX_EPOCH,
        account,
        // It was read with the customer's own token.
        subject: None,
        kind,
        transaction_id: None,
        reference_id: None,
    }
}
