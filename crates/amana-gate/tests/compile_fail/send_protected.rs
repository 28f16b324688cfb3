use amana_gate::{Protected, Released};
fn send(_: Released) {}
fn bypass(data: Protected<i64>) { send(data) }
fn main() {}
