use amana_gate::Protected;
fn steal(data: &Protected<i64>) -> i64 { data.value }
fn main() {}
