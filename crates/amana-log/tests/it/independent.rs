//! Held against other people's code, the crates `tlog_tiles` and `signed_note`: the same roots, proofs, tiles and
//! notes.

use amana_log::Hash;
use amana_log::tiles::{TileRead, TreeReader};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree, record_hash,
    tree_hash,
};

use crate::world::World;

/// Our tiles, as the other crate reads them. It checks each against the root before it uses it.
struct Ours<'a>(&'a World);

impl TileReader for Ours<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            // Its paths name the height, which ours need not.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            self.0.tiles.read(&path).unwrap().unwrap_or_else(|| panic!("no {path}"))
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn ours(hash: &tlog_tiles::Hash) -> Hash {
    hash.0
}

#[test]
fn roots_proofs_and_tiles_are_those_of_another_implementation() {
    let mut world = World::new(3);
    for (size, receipts) in [(1_usize, 0_usize), (2, 0), (256, 253), (257, 0), (600, 342), (1025, 424)] {
        (0..receipts).for_each(|number| world.disclose(number % 3));
        world.checkpoint();
        assert_eq!(world.writer.size(), size as u64);
        let size = size as u64;
        let root = world.writer.root();
        let tiles = Ours(&world);
        let reader = TileHashReader::new(size, tlog_tiles::Hash(root), &tiles);
        assert_eq!(ours(&tree_hash(size, &reader).unwrap()), root);
        let mine = TreeReader::new(&*world.tiles, size);
        for index in (0..size).step_by(37).chain([size - 1]) {
            let theirs = prove_record(size, index, &reader).unwrap();
            let proof = mine.inclusion(index, size).unwrap();
            assert_eq!(theirs.iter().map(ours).collect::<Vec<_>>(), proof, "{index} of {size}");
            let leaf = record_hash(&mine.entry(index).unwrap());
            check_record(&theirs, size, tlog_tiles::Hash(root), index, leaf).unwrap();
        }
        for old in (1..size).step_by(41) {
            let theirs = prove_tree(size, old, &reader).unwrap();
            assert_eq!(theirs.iter().map(ours).collect::<Vec<_>>(), mine.consistency(old, size).unwrap());
            let before = tlog_tiles::Hash(mine.root(old).unwrap());
            check_tree(&theirs, size, tlog_tiles::Hash(root), old, before).unwrap();
        }
    }
}

#[test]
fn checkpoints_are_notes_of_another_implementation() {
    let mut world = World::new(1);
    world.disclose(0);
    world.checkpoint();
    let text = world.cosign(2).to_string();
    let key = StandardVerifier::new(&world.vkey()).unwrap();
    let keys = VerifierList::new(vec![Box::new(key)]);
    let (good, unknown) = Note::from_bytes(text.as_bytes()).unwrap().verify(&keys).unwrap();
    assert_eq!((good.len(), unknown.len()), (1, 2));
    let edited = text.replacen("\n3\n", "\n4\n", 1).replacen("\n2\n", "\n3\n", 1);
    assert!(Note::from_bytes(edited.as_bytes()).unwrap().verify(&keys).is_err());
}
