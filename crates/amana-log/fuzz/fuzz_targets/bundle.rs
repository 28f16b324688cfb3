//! `cargo +nightly fuzz run bundle corpus/bundle` in `crates/amana-log/fuzz`; fill the corpus with the `bundle` members
//! of
//! `verifiers/vectors/*.json`.
#![no_main]

use amana_log::bundle::{Bundle, Trust, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match verify(text, &Trust::default()) {
        // What verifies is read again from what it is written as, and verifies still.
        Ok(verified) => {
            let again = Bundle::parse(text).and_then(|bundle| bundle.to_json()).unwrap();
            assert_eq!(verify(&again, &Trust::default()).as_ref(), Ok(&verified));
        }
        Err(rejected) => assert!(!rejected.detail.is_empty()),
    }
});
