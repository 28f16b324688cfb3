use amana_gate::Protected;
fn export(data: &Protected<i64>) -> String { serde_json::to_string(data).unwrap() }
fn main() {}
