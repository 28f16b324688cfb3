use amana_gate::Shown;
fn copy(shown: &Shown) -> Shown { shown.clone() }
fn main() {}
