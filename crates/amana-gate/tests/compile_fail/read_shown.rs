use amana_gate::Shown;
fn steal(shown: &Shown) -> &str { &shown.0.html }
fn main() {}
