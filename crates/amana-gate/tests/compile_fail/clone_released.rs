use amana_gate::Released;
fn copy(released: &Released) -> Released { released.clone() }
fn main() {}
