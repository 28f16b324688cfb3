//! Purposes as types. The trait is sealed: what is not below cannot be named, by us or by anyone who uses the crate.

use amana_core::Purpose as Word;

mod sealed {
    pub trait Sealed {}
}

/// A purpose that exists.
pub trait Purpose: sealed::Sealed {
    /// Its word in tables, receipts and pages.
    const WORD: Word;
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Purpose for $name { const WORD: Word = Word::$name; }
    )+ };
}

purposes!(
    /// The customer asked for a balance.
    BalanceOnRequest,
    /// A balance changed.
    BalanceUpdate,
    /// A transaction happened, or the customer asked about transactions.
    TransactionUpdate,
    /// What was bought.
    ReceiptUpdate,
    /// When it arrives.
    DeliveryUpdate,
    /// Something that may be fraud.
    SecurityAlert,
    /// A case that a human of the bank works on.
    CustomerService,
    /// The bank's own offer.
    BankOffer,
    /// Money to another person.
    PersonToPersonTransfer,
);
