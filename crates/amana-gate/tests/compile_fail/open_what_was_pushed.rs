use amana_core::BankEventBody;
use amana_gate::Unaddressed;
fn steal(data: Unaddressed<BankEventBody>) -> BankEventBody { data.0 }
fn main() {}
