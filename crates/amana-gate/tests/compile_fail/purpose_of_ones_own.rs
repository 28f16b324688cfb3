use amana_gate::purpose::Purpose;
enum Advertising {}
impl Purpose for Advertising { const WORD: amana_core::Purpose = amana_core::Purpose::BankOffer; }
fn main() {}
