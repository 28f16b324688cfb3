//! The closed lists: why something is disclosed, what kind of data it is, how much of it the platform may see.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A word that is not on one of the closed lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a known {list}; known are: {known}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// Which list was asked.
    pub list: &'static str,
    /// Every word that list has.
    pub known: String,
}

macro_rules! closed_list {
    (
        $(#[$doc:meta])* $name:ident, $list:literal,
        { $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $( $(#[$vdoc])* #[serde(rename = $text)] $variant ),+ }

        impl $name {
            /// Every word of the list, in its order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];
            /// The word as it is written in tables, receipts, configuration and URLs.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $( Self::$variant => $text ),+ } }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|w| w.as_str() == word).ok_or_else(|| UnknownWord {
                    word: word.chars().take(64).collect(),
                    list: $list,
                    known: Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

closed_list!(
    /// Why a thing is disclosed. Advertising, profiling, sale and politics are not on the list, and configuration
    /// cannot add to it.
    Purpose, "purpose", {
        /// The customer asked for a balance.
        BalanceOnRequest = "BalanceOnRequest",
        /// A balance crossed a line or changed.
        BalanceUpdate = "BalanceUpdate",
        /// A card transaction or deposit happened, or the customer asked about transactions.
        TransactionUpdate = "TransactionUpdate",
        /// What was bought.
        ReceiptUpdate = "ReceiptUpdate",
        /// When it arrives.
        DeliveryUpdate = "DeliveryUpdate",
        /// Something that may be fraud.
        SecurityAlert = "SecurityAlert",
        /// A case that a human of the bank works on.
        CustomerService = "CustomerService",
        /// The bank's own offer, by an opt-in of its own.
        BankOffer = "BankOffer",
        /// Money to another person.
        PersonToPersonTransfer = "PersonToPersonTransfer",
    }
);

impl Purpose {
    /// The one leaf term of the W3C Data Privacy Vocabulary 2.2 that the purpose maps to (never an inner node: inner
    /// nodes subsume things such as `SellDataToThirdParties`).
    #[must_use]
    pub fn dpv_term(self) -> &'static str {
        match self {
            Self::BalanceOnRequest | Self::BalanceUpdate | Self::TransactionUpdate => {
                "https://w3id.org/dpv#RequestedServiceProvision"
            }
            Self::ReceiptUpdate | Self::PersonToPersonTransfer => "https://w3id.org/dpv#PaymentManagement",
            Self::DeliveryUpdate => "https://w3id.org/dpv#DeliveryOfGoods",
            Self::SecurityAlert => "https://w3id.org/dpv#FraudPreventionAndDetection",
            Self::CustomerService => "https://w3id.org/dpv#CommunicationForCustomerCare",
            Self::BankOffer => "https://w3id.org/dpv#DirectMarketing",
        }
    }

    /// The clusters that the purpose needs, and so the only ones a consent for it can carry.
    #[must_use]
    pub fn clusters(self) -> Clusters {
        match self {
            Self::BalanceOnRequest | Self::BalanceUpdate => {
                Clusters::of(&[Cluster::AccountBasic, Cluster::Balances])
            }
            Self::TransactionUpdate | Self::SecurityAlert => {
                Clusters::of(&[Cluster::AccountBasic, Cluster::Transactions])
            }
            Self::ReceiptUpdate => Clusters::of(&[Cluster::Transactions, Cluster::Orders]),
            Self::DeliveryUpdate => Clusters::of(&[Cluster::Orders, Cluster::Deliveries]),
            Self::CustomerService => {
                Clusters::of(&[Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions])
            }
            Self::BankOffer => Clusters::of(&[]),
            Self::PersonToPersonTransfer => Clusters::of(&[Cluster::AccountBasic, Cluster::Transfers]),
        }
    }
}

closed_list!(
    /// What kind of data: FDX's cluster names, and ours for orders and deliveries.
    Cluster, "data cluster", {
        /// Display name, masked number, type.
        AccountBasic = "ACCOUNT_BASIC",
        /// Balances.
        Balances = "BALANCES",
        /// Transactions.
        Transactions = "TRANSACTIONS",
        /// Transfers.
        Transfers = "TRANSFERS",
        /// What was ordered at a shop (ours).
        Orders = "ORDERS",
        /// Where a delivery is (ours).
        Deliveries = "DELIVERIES",
    }
);

impl Cluster {
    /// The OAuth scope that asks a bank for the cluster (FDX), `None` for clusters that no bank holds.
    #[must_use]
    pub fn fdx_scope(self) -> Option<&'static str> {
        match self {
            Self::AccountBasic => Some("fdx:accountbasic:read"),
            Self::Balances => Some("fdx:balances:read"),
            Self::Transactions => Some("fdx:transactions:read"),
            Self::Transfers => Some("fdx:transfers:read"),
            Self::Orders | Self::Deliveries => None,
        }
    }
}

/// A set of clusters: a bit each, so that a decision is a mask and costs nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Clusters(u8);

impl Clusters {
    /// The set of exactly these.
    #[must_use]
    pub fn of(clusters: &[Cluster]) -> Self {
        clusters.iter().fold(Self(0), |set, c| set.with(*c))
    }
    /// Every cluster there is.
    #[must_use]
    pub fn all() -> Self {
        Self::of(Cluster::ALL)
    }
    /// The set with one more.
    #[must_use]
    pub fn with(self, cluster: Cluster) -> Self {
        Self(self.0 | (1 << cluster as u8))
    }
    /// Whether the cluster is in the set.
    #[must_use]
    pub fn contains(self, cluster: Cluster) -> bool {
        self.0 & (1 << cluster as u8) != 0
    }
    /// Whether every cluster of `other` is in this set.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// What both have.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
    /// What either has.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// The clusters in the list's order.
    pub fn iter(self) -> impl Iterator<Item = Cluster> {
        Cluster::ALL.iter().copied().filter(move |c| self.contains(*c))
    }
}

impl fmt::Debug for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Cluster> for Clusters {
    fn from_iter<I: IntoIterator<Item = Cluster>>(iter: I) -> Self {
        iter.into_iter().fold(Self::default(), Self::with)
    }
}

impl Serialize for Clusters {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Clusters {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Vec::<Cluster>::deserialize(d)?.into_iter().collect())
    }
}

closed_list!(
    /// How much of a thing the platform may see. The order is from least to most open, so `min` is the stricter.
    Form, "form", {
        /// "Something new, open it here": a template without a slot.
        Notice = "notice",
        /// The fact and the amount, without where and with whom.
        Summary = "summary",
        /// All that the purpose needs.
        Detail = "detail",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_unknown_ones_are_named() {
        for p in Purpose::ALL {
            assert_eq!(p.as_str().parse::<Purpose>().as_ref(), Ok(p));
        }
        for word in
            ["Advertising", "TargetedAdvertising", "Profiling", "SellDataToThirdParties", "", "balanceupdate"]
        {
            let e = word.parse::<Purpose>().expect_err("not a purpose");
            assert!(e.to_string().contains(&format!("`{word}` is not a known purpose")));
        }
    }

    /// In the vocabulary the sale of data lies below *service provision*: only leaves that mean one thing may stand for
    /// a purpose, and none that is or holds advertising, sale, profiling or research.
    #[test]
    fn abuse_07_each_purpose_is_one_leaf_and_none_is_what_nobody_may_want() {
        // DPV 2.2: nodes that others lie below, and the families that are prohibited.
        const INNER: &[&str] = &[
            "Purpose",
            "ServiceProvision",
            "Marketing",
            "Advertising",
            "PersonalisedAdvertising",
            "SellProducts",
            "EnforceSecurity",
            "Verification",
            "MisusePreventionAndDetection",
            "CustomerManagement",
            "CustomerCare",
            "Personalisation",
            "ServicePersonalisation",
            "ServiceOptimisation",
            "OptimisationForController",
            "ProvidePersonalisedRecommendations",
            "ResearchAndDevelopment",
        ];
        const PROHIBITED: &[&str] = &[
            "Sell",
            "Advertis",
            "Profil",
            "Political",
            "SocialMedia",
            "PublicRelations",
            "Research",
            "Analytics",
            "Recommendation",
            "Personalis",
            "OptimisationForController",
            "ImproveExisting",
        ];
        for purpose in Purpose::ALL {
            let term =
                purpose.dpv_term().strip_prefix("https://w3id.org/dpv#").expect("a term of the vocabulary");
            assert!(!INNER.contains(&term), "{purpose} maps to {term}, which others lie below");
            for word in PROHIBITED {
                assert!(!term.contains(word) && !purpose.as_str().contains(word), "{purpose}: {term}");
            }
            assert_eq!(*purpose == Purpose::BankOffer, term == "DirectMarketing", "{purpose}: {term}");
        }
    }

    #[test]
    fn a_cluster_set_is_a_set() {
        let set = Clusters::of(&[Cluster::Transactions, Cluster::Balances]);
        assert!(set.covers(Clusters::of(&[Cluster::Balances])));
        assert!(!set.covers(Clusters::of(&[Cluster::Balances, Cluster::Transfers])));
        assert!(set.covers(Clusters::default()));
        let json = serde_json::to_string(&set).expect("serialises");
        assert_eq!(json, r#"["BALANCES","TRANSACTIONS"]"#);
        assert_eq!(serde_json::from_str::<Clusters>(&json).expect("parses"), set);
    }

    #[test]
    fn the_stricter_form_is_the_smaller() {
        assert_eq!(Form::Notice.min(Form::Detail), Form::Notice);
        assert!(Form::Notice < Form::Summary && Form::Summary < Form::Detail);
    }
}
