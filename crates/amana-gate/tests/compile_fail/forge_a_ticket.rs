use amana_gate::EgressTicket;
fn prolong(ticket: EgressTicket) -> EgressTicket { EgressTicket { expires_us: i64::MAX, ..ticket } }
fn main() {}
