use amana_gate::Protected;
fn guess(a: &Protected<i64>, b: &Protected<i64>) -> bool { a == b }
fn main() {}
