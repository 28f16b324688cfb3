//! Audits: an honest log passes, also bit by bit, and each way of lying is found.

use amana_log::IndexLeaf;
use amana_log::audit::{Check, State, audit};
use amana_log::note::VerifierKey;
use amana_log::tiles::{MemoryTiles, TileStore};

use crate::world::World;

fn run(world: &World, before: Option<&State>) -> Result<amana_log::audit::Report, Check> {
    let vkey = world.signer.verifier();
    audit(&*world.tiles, vkey, None, before, |_, _| ()).map_err(|fault| {
        assert!(!fault.detail.is_empty());
        fault.check
    })
}

/// Several tiles, several segments, one of them idle.
fn world() -> World {
    let mut world = World::new(5);
    world.rule(b"the policy");
    for number in 0..700_usize {
        world.disclose(number * 3 % 5);
        match number {
            100 | 350 | 600 => world.end_segment(),
            351 => {
                world.end_segment();
                world.end_segment();
            }
            number if number % 37 == 0 => drop(world.checkpoint()),
            _ => {}
        }
    }
    world.rule(b"another policy");
    world.checkpoint();
    world
}

#[test]
fn an_honest_log_passes() {
    let mut world = world();
    let report = run(&world, None).unwrap();
    assert_eq!((report.receipts, report.rules, report.ended, report.from), (700, 2, 5, 0));
    assert_eq!(report.state.root, world.writer.root());
    // A monitor reads on from the open segment, also when the state went by way of JSON.
    let state: State = serde_json::from_str(&serde_json::to_string(&report.state).unwrap()).unwrap();
    let again = run(&world, Some(&state)).unwrap();
    assert_eq!((again.from, &again.state), (state.first, &state));
    for number in 0..400 {
        world.disclose(number % 5);
        if number == 250 {
            world.end_segment();
        }
    }
    world.checkpoint();
    let next = run(&world, Some(&state)).unwrap();
    assert_eq!(next.from, state.first);
    assert_eq!(next.ended, 1);
    assert_eq!(next.state, run(&world, None).unwrap().state);
    let text = next.to_string();
    assert!(text.contains("segment 6 is open"), "{text}");
}

#[test]
fn an_empty_log_and_a_log_of_one_entry_pass() {
    let mut world = World::new(1);
    assert_eq!(run(&world, None), Err(Check::Read));
    world.checkpoint();
    let report = run(&world, None).unwrap();
    assert_eq!((report.indexes, report.state.size), (1, 1));
}

#[test]
fn a_policy_is_held() {
    let mut world = world();
    let policy = world.parsed_policy("2");
    let vkey = world.signer.verifier().clone();
    let fault = audit(&*world.tiles, &vkey, Some(&policy), None, |_, _| ()).unwrap_err();
    assert_eq!(fault.check, Check::Witness);
    world.cosign(2);
    let mut last = 0;
    let report = audit(&*world.tiles, &vkey, Some(&policy), None, |done, all| {
        assert!(done > last && done <= all);
        last = done;
    });
    assert_eq!(report.unwrap().witnesses.unwrap(), ["w1", "w2"]);
}

/// A customer's chain that was led on from an earlier receipt, in the same segment: the number, and so the label, is
/// there twice. No bundle shows it; anybody who reads the log sees it, without knowing whose it is.
#[test]
fn a_label_twice_in_a_segment_is_found() {
    for between in [false, true] {
        let mut world = World::new(3);
        (0..9).for_each(|number| world.disclose(number % 3));
        if between {
            world.checkpoint();
        }
        world.forget_last(1);
        world.disclose(1);
        world.checkpoint();
        assert!(
            amana_log::bundle::verify(&world.bundle(1, None).to_json().unwrap(), &Default::default()).is_ok()
        );
        assert_eq!(run(&world, None), Err(Check::Index), "{between}");
        // In another segment the same number has another label.
        let mut honest = World::new(3);
        honest.disclose(1);
        honest.end_segment();
        honest.disclose(1);
        honest.checkpoint();
        assert!(run(&honest, None).is_ok());
    }
}

/// Whatever byte of whatever published file is changed, the audit says so.
#[test]
fn every_byte_of_every_file_matters() {
    let world = world();
    let vkey = world.signer.verifier();
    for (place, (path, bytes)) in (0..).zip(world.tiles.snapshot()) {
        if path == "checkpoint" {
            continue;
        }
        // The partial files of earlier checkpoints are nobody's any more.
        let full = path.split_once(".p/").map(|(full, _)| full.to_owned());
        let tiles = MemoryTiles::new();
        for (other, bytes) in world.tiles.snapshot() {
            tiles.replace(&other, &bytes).unwrap();
        }
        let at = bytes.len() * (place % 7) / 7;
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        tiles.replace(&path, &changed).unwrap();
        let found = audit(&tiles, vkey, None, None, |_, _| ());
        let stale = full.is_some() && {
            tiles.remove(&path);
            audit(&tiles, vkey, None, None, |_, _| ()).is_ok()
        };
        assert!(found.is_err() || stale, "{path} was changed at {at}");
        tiles.remove(&path);
        assert!(stale || audit(&tiles, vkey, None, None, |_, _| ()).is_err(), "{path} is missing");
    }
}

/// A log that signs what is not so.
#[test]
fn every_lie_is_found() {
    let lying = |lie: fn(&mut World)| {
        let mut world = world();
        lie(&mut world);
        world.checkpoint();
        run(&world, None).unwrap_err()
    };
    // A receipt that is in no index.
    assert_eq!(
        lying(|world| {
            world.disclose(0);
            world.hide_last();
        }),
        Check::Index
    );
    assert_eq!(lying(|world| drop(world.checkpoint_with(|entry| entry.root[0] ^= 1))), Check::Index);
    assert_eq!(lying(|world| drop(world.checkpoint_with(|entry| entry.size += 1))), Check::Index);
    assert_eq!(lying(|world| drop(world.checkpoint_with(|entry| entry.covered -= 1))), Check::Index);
    assert_eq!(lying(|world| drop(world.checkpoint_with(|entry| entry.segment += 2))), Check::Segments);
    assert_eq!(lying(|world| drop(world.checkpoint_with(|entry| entry.first += 1))), Check::Segments);
    // A label in the index that stands in no entry.
    let ghost = |world: &mut World| {
        let log_index = world.writer.size() - 1;
        world.index.add(vec![IndexLeaf { label: [7; 32], log_index }]).unwrap();
    };
    assert_eq!(lying(ghost), Check::Index);
    // A rule without its document.
    assert_eq!(lying(World::forget_document), Check::Rules);
    // The last leaf is no index entry, and that is signed.
    let mut world = world();
    world.rule(b"late");
    world.sign_as_it_is();
    assert_eq!(run(&world, None), Err(Check::Freshness));
}

#[test]
fn a_log_that_was_replaced_is_found_by_who_saw_it_before() {
    let mut world = world();
    let state = run(&world, None).unwrap().state;
    // Back to an earlier checkpoint.
    let (_, early) = &world.checkpoints[world.checkpoints.len() - 2];
    world.tiles.replace("checkpoint", early.to_string().as_bytes()).unwrap();
    assert_eq!(run(&world, Some(&state)), Err(Check::Consistency));
    // Another history: in the open segment, before it, and of the same size.
    world.checkpoint();
    for wrong in [
        State { root: [1; 32], ..state.clone() },
        State { first_root: [1; 32], ..state.clone() },
        State { origin: "other".to_owned(), ..state.clone() },
        State { first: state.size + 1, ..state.clone() },
        State { size: world.writer.size(), ..state.clone() },
    ] {
        assert_eq!(run(&world, Some(&wrong)), Err(Check::Consistency), "{wrong:?}");
    }
    assert!(run(&world, Some(&state)).is_ok());
    // Another log's key, and a checkpoint that is none.
    let other =
        VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    assert_eq!(audit(&*world.tiles, &other, None, None, |_, _| ()).unwrap_err().check, Check::Checkpoint);
    let text = String::from_utf8(world.tiles.snapshot()["checkpoint"].clone()).unwrap();
    let size = world.writer.size();
    world
        .tiles
        .replace("checkpoint", text.replace(&format!("\n{size}\n"), &format!("\n{}\n", size - 1)).as_bytes())
        .unwrap();
    assert_eq!(run(&world, None), Err(Check::Signature));
    world.tiles.replace("checkpoint", b"\xff").unwrap();
    assert_eq!(run(&world, None), Err(Check::Checkpoint));
}
