use amana_gate::Released;
fn print(released: Released) { println!("{:?}", released.into_frame()); }
fn main() {}
