#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Spy;
impl amana_gate::BankData for Spy {}
fn main() {}
