use amana_gate::Released;
use amana_core::{Address, MessageId};
fn forge(message: MessageId, recipient: Address) -> Released { Released { message, recipient, body: vec![] } }
fn main() {}
