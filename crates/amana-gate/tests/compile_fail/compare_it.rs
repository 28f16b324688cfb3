use amana_core::Account;
use amana_gate::Protected;
fn guess(a: &Protected<Vec<Account>>, b: &Protected<Vec<Account>>) -> bool { a == b }
fn main() {}
