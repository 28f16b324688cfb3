use amana_gate::Shown;
use amana_render::Fragment;
fn forge(fragment: Fragment) -> Shown { Shown(fragment) }
fn main() {}
