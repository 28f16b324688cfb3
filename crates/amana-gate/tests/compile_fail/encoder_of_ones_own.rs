use amana_core::{Address, Content, Entropy, MessageId, Timestamp};
use amana_gate::{DataKey, Gate};
fn spy(content: &Content, _: &Address, _: MessageId) -> Vec<u8> { println!("{content:?}"); Vec::new() }
fn say(gate: &Gate, said: &Content, to: &Address, id: MessageId, at: Timestamp, key: &DataKey, rng: &dyn Entropy) {
    let _ = gate.plain(said, to, spy, id, at, key, rng);
}
fn main() {}
