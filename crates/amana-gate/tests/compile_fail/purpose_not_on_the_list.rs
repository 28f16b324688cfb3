fn word() -> amana_core::Purpose { amana_core::Purpose::TargetedAdvertising }
type P = amana_gate::purpose::Advertising;
fn main() {}
