use amana_core::Account;
use amana_gate::Protected;
fn export(data: &Protected<Vec<Account>>) -> String { serde_json::to_string(data).unwrap() }
fn main() {}
