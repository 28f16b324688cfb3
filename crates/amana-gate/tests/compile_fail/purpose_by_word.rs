use amana_core::Purpose;
use amana_gate::Gate;
use amana_render::BalanceArgs;
fn ads() { let _ = Gate::disclose::<Purpose, BalanceArgs>; }
fn main() {}
