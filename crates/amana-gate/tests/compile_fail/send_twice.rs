use amana_gate::Released;
fn send(_: Released) {}
fn twice(released: Released) { send(released); send(released) }
fn main() {}
