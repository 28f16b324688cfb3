//! Tiles: that they are those of the specification, survive a crash, and give the same proofs as a naive tree.

use amana_log::merkle::{Frontier, leaf_hash, verify_consistency, verify_inclusion};
use amana_log::tiles::{DirTiles, Fsync, MemoryTiles, TileRead, TileStore, TreeReader, TreeWriter};
use amana_log::{Entry, Hash};
use proptest::prelude::*;

fn entry(number: u64) -> Entry {
    let mut label = [0; 32];
    label[..8].copy_from_slice(&number.to_be_bytes());
    if number.is_multiple_of(7) {
        Entry::Rule { sha256: label }
    } else {
        Entry::Receipt { label, commit: [7; 32] }
    }
}

fn roots(size: u64) -> Vec<Hash> {
    let mut frontier = Frontier::new();
    let mut roots = vec![frontier.root()];
    for number in 0..size {
        frontier.append(entry(number).leaf_hash());
        roots.push(frontier.root());
    }
    roots
}

/// The example of the specification: a tree of 70,000 leaves.
#[test]
fn the_files_are_those_of_the_specification() {
    let tiles = MemoryTiles::new();
    let mut writer = TreeWriter::open(&tiles, 0).unwrap();
    for number in 0..70_000 {
        assert_eq!(writer.append(&entry(number)), number);
    }
    writer.flush().unwrap();
    let files = tiles.snapshot();
    let count = |start: &str, partial: bool| {
        files.keys().filter(|path| path.starts_with(start) && path.contains(".p/") == partial).count()
    };
    assert_eq!(count("tile/0/", false), 273);
    assert_eq!(count("tile/1/", false), 1);
    assert_eq!(count("tile/entries/", false), 273);
    assert_eq!(files["tile/0/273.p/112"].len(), 112 * 32);
    assert_eq!(files["tile/1/001.p/17"].len(), 17 * 32);
    assert_eq!(files["tile/2/000.p/1"].len(), 32);
    assert_eq!(files.keys().filter(|path| path.contains(".p/")).count(), 4);
    assert_eq!(files["tile/0/000"][..32], entry(0).leaf_hash());
}

/// A writer that is opened where another one stopped, or died in the middle, writes the same files.
#[test]
fn a_crash_while_writing_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DirTiles::new(folder.path().join("log"), Fsync::Always);
    let whole = MemoryTiles::new();
    let mut reference = TreeWriter::open(&whole, 0).unwrap();
    let mut durable = 0;
    for step in [1_u64, 254, 1, 1, 300, 900, 0, 600] {
        // This one writes everything and then "dies" before anybody noted the size.
        let mut lost = TreeWriter::open(&dir, durable).unwrap();
        for number in durable..durable + step {
            lost.append(&entry(number));
        }
        lost.flush().unwrap();
        drop(lost);
        let mut writer = TreeWriter::open(&dir, durable).unwrap();
        for number in durable..durable + step {
            writer.append(&entry(number));
            reference.append(&entry(number));
        }
        writer.flush().unwrap();
        reference.flush().unwrap();
        durable += step;
        assert_eq!(writer.root(), reference.root());
        for (path, bytes) in whole.snapshot() {
            assert_eq!(dir.read(&path).unwrap().unwrap(), bytes, "{path}");
        }
    }
    // A file cut short by a power loss is written again; one that says something else is not.
    std::fs::write(dir.root().join("tile/0/000"), b"short").unwrap();
    dir.write("tile/0/000", &whole.snapshot()["tile/0/000"]).unwrap();
    let mut other = TreeWriter::open(&dir, 0).unwrap();
    for number in 0..256 {
        other.append(&entry(number + 1));
    }
    let error = other.flush().unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert_eq!(dir.read("tile/0/000").unwrap().unwrap(), whole.snapshot()["tile/0/000"]);
    assert!(dir.read("../secret").is_err());
    dir.replace("checkpoint", b"one").unwrap();
    dir.replace("checkpoint", b"2").unwrap();
    assert_eq!(dir.read("checkpoint").unwrap().unwrap(), b"2");
}

#[test]
fn what_is_not_there_is_an_error() {
    let tiles = MemoryTiles::new();
    let mut writer = TreeWriter::open(&tiles, 0).unwrap();
    for number in 0..300 {
        writer.append(&entry(number));
    }
    writer.flush().unwrap();
    let reader = TreeReader::new(&tiles, 300);
    assert!(reader.inclusion(300, 300).is_err());
    assert!(reader.inclusion(0, 301).is_err());
    assert!(reader.entry(300).is_err());
    assert!(reader.root(301).is_err());
    assert!(tiles.remove("tile/0/001.p/44"));
    assert!(TreeReader::new(&tiles, 300).inclusion(299, 300).is_err());
    assert!(TreeWriter::open(&tiles, 300).is_err());
    assert!(tiles.remove("tile/entries/000"));
    assert!(TreeReader::new(&tiles, 300).entry(0).is_err());
    assert!(TreeReader::new(&tiles, 300).entry(299).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Proofs from tiles hold against roots that were computed without them, at the size and at earlier ones.
    #[test]
    fn proofs_from_tiles_hold(size in 1..3000_u64, picks in proptest::collection::vec(any::<[u64; 3]>(), 20)) {
        let tiles = MemoryTiles::new();
        let mut writer = TreeWriter::open(&tiles, 0).unwrap();
        for number in 0..size {
            writer.append(&entry(number));
            if number % 211 == 0 {
                writer.flush().unwrap();
            }
        }
        writer.flush().unwrap();
        let roots = roots(size);
        let reader = TreeReader::new(&tiles, size);
        let root = |size: u64| roots[usize::try_from(size).unwrap()];
        for [a, b, c] in picks {
            let at = 1 + a % size;
            let (index, old) = (b % at, c % (at + 1));
            prop_assert_eq!(reader.root(at).unwrap(), root(at));
            let proof = reader.inclusion(index, at).unwrap();
            let bytes = reader.entry(index).unwrap();
            let encoded = entry(index).encode();
            prop_assert_eq!(bytes.as_slice(), encoded.as_ref());
            verify_inclusion(&leaf_hash(&bytes), index, at, &proof, &root(at)).unwrap();
            let proof = reader.consistency(old, at).unwrap();
            verify_consistency(old, at, &root(old), &root(at), &proof).unwrap();
        }
    }

    /// What is no entry does not decode, and what decodes is encoded as it was.
    #[test]
    fn entries_have_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..80), kind in 0..4_u8, exact: bool) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = kind;
        }
        if exact {
            bytes.resize(if kind == 2 { 33 } else { 65 }, 9);
            bytes[0] = kind;
        }
        match Entry::decode(&bytes) {
            Ok(entry) => {
                let again = entry.encode();
                prop_assert_eq!(again.as_ref(), bytes.as_slice());
            }
            Err(_) => prop_assert!(!exact || kind == 3),
        }
    }
}
