use amana_gate::Unaddressed;
fn steal(data: Unaddressed<i64>) -> i64 { data.0 }
fn main() {}
