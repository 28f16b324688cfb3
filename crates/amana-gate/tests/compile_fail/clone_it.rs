use amana_gate::Protected;
fn copy(data: &Protected<i64>) -> Protected<i64> { data.clone() }
fn main() {}
