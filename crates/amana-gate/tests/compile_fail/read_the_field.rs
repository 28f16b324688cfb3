use amana_core::Account;
use amana_gate::Protected;
fn steal(data: Protected<Vec<Account>>) -> Vec<Account> { data.value }
fn main() {}
