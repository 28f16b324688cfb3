use amana_core::Account;
use amana_gate::Protected;
fn copy(data: &Protected<Vec<Account>>) -> Protected<Vec<Account>> { data.clone() }
fn main() {}
