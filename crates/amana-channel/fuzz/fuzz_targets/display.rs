//! Any bytes as a message of ours: read back or not, without harm.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = amana_channel::messenger::decode_for_display(bytes);
});
