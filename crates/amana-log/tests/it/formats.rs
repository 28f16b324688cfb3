//! Every text and every byte that comes from outside: nothing panics, and what is read is written as it was.

use amana_log::Entry;
use amana_log::checkpoint::Checkpoint;
use amana_log::note::{Note, VerifierKey, parse_signatures};
use amana_log::policy::Policy;
use amana_log::tiles::{Resource, parse_bundle};
use amana_log::witness::AddCheckpoint;
use proptest::prelude::*;

use crate::world::World;

/// Good texts of each kind, to be broken.
fn seeds() -> Vec<String> {
    let mut world = World::new(2);
    world.disclose(0);
    world.checkpoint();
    let note = world.cosign(2);
    let request = AddCheckpoint::new(1, vec![[7; 32], [8; 32]], note.clone()).unwrap();
    vec![
        world.vkey(),
        note.text().to_owned(),
        note.to_string(),
        request.body(),
        world.policy("any"),
        "index/7/tile/entries/x001/234.p/9".to_owned(),
        note.to_string().split_once("\n\n").unwrap().1.to_owned(),
    ]
}

fn try_all(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode().as_ref(), bytes);
    }
    if let Some(entries) = parse_bundle(bytes) {
        let length = |entry: &Vec<u8>| u16::try_from(entry.len()).unwrap().to_be_bytes().to_vec();
        let again: Vec<u8> =
            entries.iter().flat_map(|entry| [length(entry), entry.clone()].concat()).collect();
        assert_eq!(again, bytes);
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.body().as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Some(resource) = Resource::parse(text) {
        assert_eq!(resource.path(), text);
    }
    if let Ok(lines) = parse_signatures(text) {
        assert_eq!(lines.iter().map(ToString::to_string).collect::<String>(), text);
    }
    let _ = Policy::parse(text);
}

#[test]
fn good_texts_are_read() {
    let seeds = seeds();
    assert!(VerifierKey::parse(&seeds[0]).is_ok());
    assert!(Checkpoint::parse(&seeds[1]).is_ok());
    assert!(Note::parse(&seeds[2]).is_ok());
    assert!(AddCheckpoint::parse(seeds[3].as_bytes()).is_ok());
    assert!(Policy::parse(&seeds[4]).is_ok());
    assert!(Resource::parse(&seeds[5]).is_some());
    assert_eq!(parse_signatures(&seeds[6]).unwrap().len(), 3);
    seeds.iter().for_each(|seed| try_all(seed.as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        try_all(&bytes);
    }

    #[test]
    fn no_broken_text_panics(
        which in 0..7_usize,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..4),
    ) {
        thread_local!(static SEEDS: Vec<String> = seeds());
        let mut bytes = SEEDS.with(|seeds| seeds[which].clone().into_bytes());
        for (at, how, with) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = with,
                1 => drop(bytes.splice(at..at, [with])),
                2 => drop(bytes.drain(at..=at)),
                _ => bytes.truncate(at),
            }
        }
        try_all(&bytes);
    }
}
