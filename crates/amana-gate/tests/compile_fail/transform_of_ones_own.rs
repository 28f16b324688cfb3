use amana_core::Account;
use amana_gate::Protected;
fn leak(accounts: Vec<Account>) -> Vec<Account> { println!("{accounts:?}"); accounts }
fn spy(data: Protected<Vec<Account>>) { let _ = data.map(leak); }
fn main() {}
