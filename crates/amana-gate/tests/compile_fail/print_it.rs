use amana_core::Account;
use amana_gate::Protected;
fn log(data: &Protected<Vec<Account>>) { println!("{data:?}"); }
fn main() {}
