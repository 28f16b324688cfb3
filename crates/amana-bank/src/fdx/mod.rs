//! The FDX client: accounts and transactions of versions 4.6 to 6.6.

mod budget;
pub(crate) mod calls;
pub(crate) mod consents;
pub(crate) mod list;
pub(crate) mod read;
mod subscriptions;
pub(crate) mod value;

pub(crate) use budget::{Payer, Spending};
pub(crate) use calls::{Currencies, INTERACTION_HEADER, is_echoed};
pub(crate) use consents::TokenTaken;
pub(crate) use read::{EventRow, TransactionRow, balance_of_event, transaction_of_event};
