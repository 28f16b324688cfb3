//! Every text and every byte that comes from outside: nothing panics, and what is read is written as it was.

use amana_log::checkpoint::Checkpoint;
use amana_log::note::{Note, VerifierKey, parse_signatures};
use amana_log::policy::Policy;
use amana_log::tiles::Resource;
use amana_log::witness::AddCheckpoint;
use proptest::prelude::*;

use crate::fuzz::checks::texts;
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
    seeds.iter().for_each(|seed| texts(seed.as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        texts(&bytes);
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
        texts(&bytes);
    }
}
