use amana_core::BankEventBody;
use amana_gate::{DataKey, Protected};
fn guess(event: &Protected<BankEventBody>, key: &DataKey) -> [u8; 32] { event.fingerprint(key) }
fn main() {}
