//! The hot functions, each once. What a function is given is made outside of what is counted.

#![allow(missing_docs, reason = "the macros make functions without")]

use amana_core::InstitutionId;
use amana_counts::{LEAVES, World, batch, world};
use amana_gate::{Disclosure, ReceiptDraft};
use amana_log::merkle::{Frontier, Hash};
use gungraun::{library_benchmark, library_benchmark_group, main};
use std::hint::black_box;

fn said() -> (World, Disclosure) {
    // Catalogues are read once in a process: not counted.
    let world = world();
    let first = world.disclose();
    (world, first)
}

fn drafted() -> (World, ReceiptDraft) {
    let world = world();
    let draft = world.receipt();
    (world, draft)
}

fn written() -> (World, Vec<u8>) {
    let (world, draft) = drafted();
    (world, draft.seal(7, [1; 32], (1, 7)).bytes)
}

#[library_benchmark]
#[bench::of_100(batch())]
fn parse((institution, body): (InstitutionId, Vec<u8>)) -> usize {
    let intake = amana_bank::parse_events(&institution, amana_bank::events::BATCH, black_box(&body));
    intake.map_or(0, |intake| intake.events.len())
}

#[library_benchmark]
#[bench::allowed(world())]
fn decide(world: World) -> (bool, World) {
    (black_box(&world).decide(), world)
}

#[library_benchmark]
#[bench::update(said())]
fn disclose((world, first): (World, Disclosure)) -> (Disclosure, World, Disclosure) {
    (black_box(&world).disclose(), world, first)
}

#[library_benchmark]
#[bench::receipt(drafted())]
fn receipt((world, draft): (World, ReceiptDraft)) -> (Vec<u8>, World, ReceiptDraft) {
    (black_box(&draft).seal(7, [1; 32], (1, 7)).bytes, world, draft)
}

#[library_benchmark]
#[bench::receipt(written())]
fn seal((world, bytes): (World, Vec<u8>)) -> (usize, World, Vec<u8>) {
    let sealed = world.key.seal(b"receipt", black_box(&bytes), &world.entropy);
    (sealed.map_or(0, |sealed| sealed.len()), world, bytes)
}

#[library_benchmark]
#[bench::entry(written())]
fn entry((world, bytes): (World, Vec<u8>)) -> (Hash, World, Vec<u8>) {
    (world.log_key.entry(1, 7, black_box(&bytes)).leaf_hash(), world, bytes)
}

fn leaves() -> Vec<Hash> {
    (0..LEAVES).map(|n| amana_log::merkle::leaf_hash(&n.to_be_bytes())).collect()
}

#[library_benchmark]
#[bench::of_1000(leaves())]
fn append(leaves: Vec<Hash>) -> (Hash, Vec<Hash>) {
    let mut tree = Frontier::new();
    for leaf in black_box(&leaves) {
        tree.append(*leaf);
    }
    (tree.root(), leaves)
}

library_benchmark_group!(name = hot, benchmarks = [parse, decide, disclose, receipt, seal, entry, append]);
main!(library_benchmark_groups = hot);
