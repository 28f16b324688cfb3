//! What a customer was told of something, as a mark that the store keeps: it says whether an event has anything new to
//! say, and nothing else.
//!
//! A mark is a salted MAC that no public call makes ([`DataKey::mac_in_gate`]): two marks of one value differ, and
//! whoever holds the customer's key has nothing to hold a guess against. It holds no bank data, so it may stay when
//! those are gone. The one answer that it gives is [`Protected::is_told`], for an event of the same customer and
//! account in the same place.

use crate::key::DataKey;
use crate::protected::Protected;
use amana_core::{BankEventBody, Entropy};

/// How long a mark's salt is, in bytes; its MAC is cut to as much.
const SALT_LEN: usize = 16;

/// A mark of what was told. Whether two of them are equal says nothing of what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told([u8; 2 * SALT_LEN]);

impl Told {
    /// The mark that was stored. Bytes that are none are a mark of nothing.
    #[must_use]
    pub const fn from_stored(bytes: [u8; 2 * SALT_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn stored(&self) -> [u8; 2 * SALT_LEN] {
        self.0
    }
}

/// What a customer would be told, of which account: equal bytes mean that there is nothing new to say.
pub(crate) fn telling(body: &BankEventBody) -> Vec<u8> {
    match body {
        BankEventBody::Transaction(t) => [
            b"t".as_slice(),
            &t.amount.minor.to_be_bytes(),
            &[t.direction as u8],
            t.amount.currency.code().as_bytes(),
            t.account.as_str().as_bytes(),
        ]
        .concat(),
        BankEventBody::Balance(a) => {
            // What can be spent is what a person goes by: it changes with the authorization, and not again when the
            // purchase is booked. Where the bank does not say it, the booked balance has to do.
            let told = a.available.or(a.current);
            let minor = told.map_or([0; 8], |m| m.minor.to_be_bytes());
            [b"b".as_slice(), &[u8::from(told.is_some())], &minor, a.id.as_str().as_bytes()].concat()
        }
    }
}

impl Protected<BankEventBody> {
    /// A mark of what the customer is told with this event, for one place: `place` says of which story it is.
    #[must_use]
    pub fn mark_told(&self, key: &DataKey, place: &[u8], entropy: &dyn Entropy) -> Told {
        self.marked(entropy.array(), key, place)
    }

    /// Whether what this event says is what was told there. Of another customer, account or place, under another key or
    /// of bytes that are no mark: no.
    #[must_use]
    pub fn is_told(&self, told: &Told, key: &DataKey, place: &[u8]) -> bool {
        let Some(salt) = told.0.first_chunk() else { return false };
        let again = self.marked(*salt, key, place);
        // In the same time wherever they differ.
        told.0.iter().zip(again.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }

    fn marked(&self, salt: [u8; SALT_LEN], key: &DataKey, place: &[u8]) -> Told {
        let subject = self.subject();
        let mac = key.mac_in_gate(&[
            b"amana/told/v1",
            subject.institution.as_str().as_bytes(),
            subject.customer.as_bytes(),
            place,
            &salt,
            &telling(self.open()),
        ]);
        let mut bytes = [0; 2 * SALT_LEN];
        for (byte, of) in bytes.iter_mut().zip(salt.into_iter().chain(mac)) {
            *byte = of;
        }
        Told(bytes)
    }
}
