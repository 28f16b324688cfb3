use amana_gate::{DataKey, Protected, Subject};
#[derive(Clone, serde::Serialize)]
struct Spy;
impl<'de> serde::Deserialize<'de> for Spy {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> { Ok(Spy) }
}
fn open(subject: Subject, key: &DataKey, sealed: &[u8]) { let _ = Protected::<Spy>::unseal(subject, key, b"row", sealed); }
fn main() {}
