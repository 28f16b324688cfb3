use amana_gate::Shown;
fn log(shown: &Shown) { println!("{shown:?} {shown}"); }
fn main() {}
