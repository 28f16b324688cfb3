use amana_gate::{DataKey, OutboxRow};
fn steal(row: &OutboxRow, key: &DataKey) { let _ = key.open_as(2, b"outbox payload", &row.payload); }
fn main() {}
