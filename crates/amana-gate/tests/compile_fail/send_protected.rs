use amana_core::Account;
use amana_gate::{Protected, Released};
fn send(_: Released) {}
fn bypass(data: Protected<Vec<Account>>) { send(data) }
fn main() {}
