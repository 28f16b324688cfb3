use amana_gate::{Gate, OutboxRow};
fn forge(gate: &Gate, mut row: OutboxRow) -> OutboxRow { row.ticket = gate.sign(&row); row }
fn main() {}
