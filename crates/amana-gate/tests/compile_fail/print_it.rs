use amana_gate::Protected;
fn log(data: &Protected<i64>) { println!("{data:?}"); }
fn main() {}
