use amana_gate::Released;
fn read(released: Released) -> Vec<u8> { released.into_frame().body }
fn main() {}
