use amana_gate::{EgressTicket, Released};
fn forge(ticket: EgressTicket) -> Released { Released { ticket, body: vec![] } }
fn main() {}
