use amana_gate::Released;
fn steal(released: &Released) -> &[u8] { &released.body }
fn main() {}
