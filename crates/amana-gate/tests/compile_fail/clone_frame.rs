use amana_gate::{EgressFrame, Released};
fn twice(released: Released) -> (EgressFrame, EgressFrame) { let frame = released.into_frame(); (frame.clone(), frame) }
fn main() {}
