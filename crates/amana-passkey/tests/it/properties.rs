//! Whatever comes, there is an answer, and what was changed anywhere is not taken.

use crate::authenticator::Authenticator;
use crate::{CHALLENGE, HANDLE, ORIGIN, SITE, site};
use amana_passkey::{Assertion, Registration};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        client_data in vec(any::<u8>(), 0..300),
        raw in vec(any::<u8>(), 0..300),
        cut in 0..400_usize,
    ) {
        let mut own = Authenticator::new(SITE, ORIGIN);
        let mut made = own.create(&CHALLENGE);
        let random = Registration { client_data, attestation: raw.clone() };
        prop_assert!(site().register(&CHALLENGE, &random).is_err());
        // Behind the client data, too, where the other reader is.
        made.attestation.truncate(cut);
        made.attestation.extend_from_slice(&raw);
        // Without attestation nothing vouches for the last bytes, which are the key's: as many others are another key,
        // with which nobody comes in.
        if made != own.create(&CHALLENGE) && let Ok(other) = site().register(&CHALLENGE, &made) {
            prop_assert!(site().authenticate(&CHALLENGE, HANDLE, &other, &own.get(&CHALLENGE)).is_err());
        }
    }

    /// One bit of a proof, anywhere.
    #[test]
    fn no_bit_of_a_proof_can_be_changed(part in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut own = Authenticator::new(SITE, ORIGIN);
        let credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
        let Assertion { id, mut client_data, mut authenticator_data, mut signature, user_handle } = own.get(&CHALLENGE);
        let bytes = [&mut client_data, &mut authenticator_data, &mut signature];
        let bytes = bytes.into_iter().nth(part).expect("one of three");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = Assertion { id, client_data, authenticator_data, signature, user_handle };
        prop_assert!(site().authenticate(&CHALLENGE, HANDLE, &credential, &changed).is_err());
    }
}

/// The same where as many bytes are others, which chance meets once in some hundred thousand.
#[test]
fn another_key_at_the_end_lets_nobody_in() {
    let mut own = Authenticator::new(SITE, ORIGIN);
    for many in 1..=32 {
        let mut made = own.create(&CHALLENGE);
        for byte in made.attestation.iter_mut().rev().take(many) {
            *byte ^= 0x55;
        }
        let other = site().register(&CHALLENGE, &made).expect("a key of the right form");
        assert!(site().authenticate(&CHALLENGE, HANDLE, &other, &own.get(&CHALLENGE)).is_err(), "{many}");
    }
}
