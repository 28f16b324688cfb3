//! A software authenticator against the verifier: what is taken, and everything that is not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod authenticator;
mod fuzz;
mod properties;
mod refusals;
mod ways;

use amana_passkey::RelyingParty;

const SITE: &str = "gateway.example";
const ORIGIN: &str = "https://gateway.example";
const CHALLENGE: [u8; 32] = [9; 32];
const HANDLE: &[u8] = b"a handle of thirty-two bytes ...";

fn site() -> RelyingParty {
    RelyingParty::at(&"https://gateway.example/".parse().expect("an address")).expect("a site")
}
