use amana_gate::Seen;
fn guess(seen: &Seen) -> usize { seen.rows.len() + seen.said.len() }
fn main() {}
