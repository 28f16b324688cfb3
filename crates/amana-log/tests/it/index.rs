//! The index against a naive model: a sorted list.

use amana_log::index::{SegmentIndex, TiledIndex};
use amana_log::merkle::{Frontier, sha256};
use amana_log::tiles::{MemoryTiles, TreeReader};
use amana_log::{Hash, IndexLeaf};
use proptest::prelude::*;

fn leaf(seed: u64, log_index: u64) -> IndexLeaf {
    IndexLeaf { label: sha256(&seed.to_be_bytes()), log_index }
}

fn naive_root(leaves: &[IndexLeaf]) -> Hash {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.append(leaf.leaf_hash()));
    frontier.root()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_index_is_the_sorted_list(
        batches in proptest::collection::vec(proptest::collection::vec(0..2000_u64, 0..200), 1..6),
        first in 0..100_u64,
    ) {
        let mut index = SegmentIndex::new(3, first);
        let mut naive = vec![IndexLeaf::LOW, IndexLeaf::HIGH];
        let mut next = first;
        let mut earlier = Vec::new();
        for batch in batches {
            let batch: Vec<IndexLeaf> = batch.iter().map(|seed| { next += 1; leaf(*seed, next) }).collect();
            naive.extend(&batch);
            naive.sort();
            index.add(batch).unwrap();
            prop_assert_eq!(index.root(), naive_root(&naive));
            prop_assert_eq!(index.size(), naive.len() as u64);
            next += 1;
            let entry = index.entry(next).unwrap();
            prop_assert_eq!((entry.segment, entry.first, entry.covered), (3, first, next - first));
            prop_assert_eq!((entry.root, entry.size), (index.root(), index.size()));
            earlier.push((next, entry));
        }
        // The tree of an earlier checkpoint is still to be had.
        for (end, entry) in &earlier {
            let tree = index.tree(*end);
            prop_assert_eq!((tree.root().unwrap(), tree.size()), (entry.root, entry.size));
        }
        let tree = index.into_tree();
        let tiles = MemoryTiles::new();
        tree.write_tiles(&tiles).unwrap();
        prop_assert_eq!(TreeReader::of_index(&tiles, 3, tree.size()).root(tree.size()).unwrap(), naive_root(&naive));
        let tiled = TiledIndex::new(&tiles, 3, tree.size());
        let (root, size) = (naive_root(&naive), tree.size());
        for seed in (0..2000_u64).step_by(13) {
            let label = leaf(seed, 0).label;
            let there = naive.iter().any(|leaf| leaf.label == label);
            let absence = tree.absence(&label).unwrap();
            prop_assert_eq!(absence.is_none(), there);
            if seed % 3 == 0 {
                prop_assert_eq!(&tiled.absence(&label).unwrap(), &absence);
            }
            let Some(mut absence) = absence else { continue };
            absence.verify(&label, size, &root).unwrap();
            // Neither label of the two neighbours is absent by it, nor is anything by leaves that are no neighbours.
            absence.verify(&absence.low.leaf.label.clone(), size, &root).unwrap_err();
            absence.verify(&absence.high.leaf.label.clone(), size, &root).unwrap_err();
            absence.high.position += 1;
            absence.verify(&label, size, &root).unwrap_err();
            absence.high.position -= 1;
            absence.verify(&label, tree.size(), &label).unwrap_err();
        }
    }
}

#[test]
fn sentinels_and_outsiders() {
    let mut index = SegmentIndex::new(0, 10);
    assert!(index.add(vec![leaf(1, 11), leaf(2, 9)]).is_err());
    assert_eq!(index.size(), 2);
    assert!(index.entry(9).is_err());
    let tree = index.into_tree();
    assert!(tree.absence(&[0x00; 32]).unwrap().is_none());
    assert!(tree.absence(&[0xff; 32]).unwrap().is_none());
    assert!(tree.absence(&[0x01; 32]).unwrap().is_some());
}
