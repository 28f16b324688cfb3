use amana_gate::Released;
fn log(released: &Released) { println!("{released:?}"); }
fn main() {}
