use amana_gate::Protected;
fn leak(data: Protected<i64>, out: &std::cell::Cell<i64>) { let _ = data.map(|v| { out.set(v); v }); }
fn main() {}
