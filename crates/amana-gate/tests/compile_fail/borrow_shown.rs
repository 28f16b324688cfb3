use amana_gate::Shown;
fn keep(shown: &Shown) -> String { shown.into_html() }
fn main() {}
