//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

/// The seeds are what they are meant to be: taken.
#[test]
fn fuzz_cbor() {
    let good = checks::object(&checks::made());
    let packed =
        [b"\xa3\x63fmt\x66packed\x67attStmt\xa2\x63alg\x26\x63sig\x41\0".as_slice(), &good[18..]].concat();
    checks::cbor(&good);
    harness::run(&[good, packed], checks::cbor);
}

#[test]
fn fuzz_authenticator_data() {
    let made = checks::made();
    let shown = made[..37].to_vec();
    harness::run(&[made, shown], checks::authenticator_data);
}

#[test]
fn fuzz_client_data() {
    let seeds = ["webauthn.create", "webauthn.get"].map(checks::of_browser);
    harness::run(&seeds, checks::client_data);
}
