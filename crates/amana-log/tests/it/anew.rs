//! The vectors of a history that was begun anew, of what a customer remembers, and of bundles in parts.

use amana_log::bundle::{Bundle, Saved, verify};
use serde_json::{Value, json};

use crate::vectors::{Vector, add, list, vector};
use crate::world::{World, base64, seed};

/// A log whose store was told that customer 0 has no receipts: in segment 1 their chain begins anew. What they saved
/// before, and the log; the bundle is made with the receipts that are withheld, and they are taken out of it.
fn anew() -> (Saved, World) {
    let mut world = World::new(2);
    world.receipt(0, "consent");
    world.disclose(0);
    world.disclose(1);
    world.checkpoint();
    let saved = kept(&world.bundle(0, None));
    world.end_segment_here();
    let mut withheld = world.forget_all(0);
    world.receipt(0, "consent");
    world.disclose(1);
    world.checkpoint();
    withheld.append(&mut world.customers[0].receipts);
    world.customers[0].receipts = withheld;
    (saved, world)
}

fn take_out(bundle: &mut Value) {
    list(bundle, "receipts").drain(..2);
    bundle["segments"][0]["count"] = json!(0);
}

/// What a customer keeps of a bundle.
fn kept(bundle: &Bundle) -> Saved {
    Saved::read(&bundle.to_json().unwrap()).unwrap()
}

/// One with an honest log, two customers, and receipts in segments 0, 2 and the open 3.
fn world() -> World {
    let mut world = World::new(2);
    for step in [0, 1, 0, 0] {
        world.disclose(step);
    }
    world.end_segment();
    world.disclose(1);
    world.end_segment();
    for step in [0, 0, 1] {
        world.disclose(step);
    }
    world.end_segment();
    world.disclose(0);
    world.checkpoint();
    world
}

fn begun_anew() -> Vec<Vector> {
    let (saved, world) = anew();
    let bundle = world.bundle(0, Some(saved.size));
    vec![
        vector(
            "begun-anew",
            "absence",
            "A history that was begun anew in segment 1: segment 0 holds its first label.",
            &bundle,
        )
        .with(take_out),
        vector(
            "begun-anew-unseen",
            "freshness",
            "The same, and the segments before its first receipt are not shown.",
            &bundle,
        )
        .with(|bundle| {
            take_out(bundle);
            list(bundle, "segments").remove(0);
        }),
        vector(
            "begun-anew-remembered",
            "memory",
            "The same, shown to one who saved a bundle: the receipts are fewer.",
            &bundle,
        )
        .with(|bundle| {
            take_out(bundle);
            list(bundle, "segments").remove(0);
        })
        .saved(saved),
    ]
}

fn remembered() -> Vec<Vector> {
    let mut world = World::new(2);
    for step in [0, 1, 0] {
        world.disclose(step);
    }
    world.checkpoint();
    let saved = kept(&world.bundle(0, None));
    world.disclose(0);
    world.end_segment();
    world.disclose(0);
    world.checkpoint();
    let good = world.bundle(0, Some(saved.size));
    let changed = |change: fn(&mut Saved)| {
        let mut saved = saved;
        change(&mut saved);
        saved
    };
    let memory = |name, about, saved| vector(name, "memory", about, &good).saved(saved);
    let now = kept(&good);
    vec![
        vector("remembered", "ok", "The receipts of the saved bundle are there again.", &good).saved(saved),
        vector("remembered-same", "ok", "The saved bundle is this one.", &world.bundle(0, None)).saved(now),
        vector(
            "remembered-none",
            "ok",
            "The saved bundle was the same customer's, and had no receipt.",
            &good,
        )
        .saved(changed(|saved| {
            let mine = saved.mine.as_mut().unwrap();
            (mine.at.seq, mine.at.hash, mine.at.count, mine.at.from) = (0, [0; 32], 0, 0);
        })),
        memory(
            "remembered-other-key",
            "The saved bundle was under another key.",
            changed(|saved| saved.mine.as_mut().unwrap().who = seed("another customer")),
        ),
        memory(
            "remembered-other-receipt",
            "The last receipt of the saved bundle was another one.",
            changed(|saved| saved.mine.as_mut().unwrap().at.hash[0] ^= 1),
        ),
        memory(
            "remembered-more",
            "The saved bundle had more receipts.",
            changed(|saved| saved.mine.as_mut().unwrap().at.seq = 5),
        ),
    ]
}

/// The parts of a bundle, of `take` receipts each, with what each begins after.
fn parts(world: &World, take: usize) -> Vec<(Option<Saved>, Bundle)> {
    let mut parts = Vec::new();
    let mut after = None;
    loop {
        let part = world.part(0, after.as_ref(), take);
        let (next, more) = (kept(&part), part.more);
        parts.push((after, part));
        if !more {
            return parts;
        }
        after = Some(next);
    }
}

fn in_parts() -> Vec<Vector> {
    let world = world();
    let all = parts(&world, 2);
    let [(_, first), (after_first, second), (after_second, last)] = all.as_slice() else {
        panic!("{} parts", all.len());
    };
    let (after_first, after_second) = (after_first.unwrap(), after_second.unwrap());
    let whole = kept(&world.bundle(0, None));
    let part = |name, expect, about, bundle: &Bundle| vector(name, expect, about, bundle);
    let last_as_whole = {
        let mut bundle = last.clone();
        bundle.after = None;
        bundle
    };
    vec![
        part("part-first", "ok", "The first part: another one follows.", first),
        part("part-middle", "ok", "A part between two others.", second).after(after_first),
        part("part-last", "ok", "The last part.", last).after(after_second),
        part("part-since", "ok", "A later part, and the earlier ones were saved.", last).saved(after_second),
        part("part-remembered-later", "ok", "What was saved goes further than this part.", first)
            .with(|bundle| bundle["since"] = json!(world.bundle(0, Some(whole.size)).since))
            .saved(whole),
        part("part-remembered-in-it", "ok", "What was saved ends within this part.", last)
            .after(after_second)
            .saved(whole),
        part("part-remembered-before", "ok", "What was saved ends in an earlier part.", last)
            .after(after_second)
            .saved(after_first),
        part("part-remembered-other", "memory", "What was saved within this part was another receipt.", last)
            .after(after_second)
            .saved({
                let mut whole = whole;
                whole.mine.as_mut().unwrap().at.hash[0] ^= 1;
                whole
            }),
        part(
            "part-remembered-gone",
            "memory",
            "This is the last part, and what was saved goes further.",
            last,
        )
        .after(after_second)
        .saved({
            let mut whole = whole;
            whole.mine.as_mut().unwrap().at.seq += 1;
            whole
        }),
        part("part-of-nothing", "memory", "A later part, and no earlier one is known.", last),
        part("part-of-a-checkpoint", "memory", "A later part, and the checkpoint alone was saved.", last)
            .saved(Saved { mine: None, ..after_second }),
        part("part-skipped", "memory", "The part between was left out.", last).after(after_first),
        part("part-again", "memory", "The first part a second time.", first).after(after_first),
        part("part-elsewhere", "memory", "It says that it begins after another receipt.", last)
            .with(|bundle| bundle["after"]["hash"] = json!(base64(&seed("another"))))
            .after(after_second),
        part("part-of-another", "memory", "The part before was another customer's.", last).after({
            let mut other = after_second;
            other.mine.as_mut().unwrap().who = seed("another customer");
            other
        }),
        part(
            "part-fewer-counted",
            "memory",
            "It says that fewer receipts of its first segment were shown.",
            second,
        )
        .with(|bundle| add(&mut bundle["after"]["count"], -1))
        .after(after_first),
        part("part-made-whole", "freshness", "A later part that is given as the whole.", &last_as_whole)
            .with(|bundle| bundle["after"] = Value::Null),
        part("part-made-last", "format", "The first part without the word that another one follows.", first)
            .with(|bundle| bundle["more"] = json!(false)),
        part(
            "part-made-last-absence",
            "freshness",
            "The same, with the absence of an earlier segment.",
            second,
        )
        .with(|bundle| {
            bundle["more"] = json!(false);
            let absence = bundle["segments"][0]["absence"].clone();
            let last = list(bundle, "segments").len() - 1;
            bundle["segments"][last]["absence"] = absence;
        })
        .after(after_first),
        part("part-absence-left-out", "format", "A part with two segments without an absence.", second)
            .with(|bundle| bundle["segments"][0]["absence"] = Value::Null)
            .after(after_first),
        part("part-segment-dropped", "freshness", "The segment in which it begins is not listed.", second)
            .with(|bundle| drop(list(bundle, "segments").remove(0)))
            .after(after_first),
        part(
            "part-withhold-between",
            "absence",
            "The last receipt of a segment before the part's end is left out.",
            second,
        )
        .with(|bundle| {
            list(bundle, "receipts").clear();
            for (segment, count) in bundle["segments"].as_array_mut().unwrap().iter_mut().zip([2, 0, 0]) {
                segment["count"] = json!(count);
            }
        })
        .after(after_first),
        part("part-withhold-first", "chain", "The part's first receipt is left out.", last)
            .with(|bundle| drop(list(bundle, "receipts").remove(0)))
            .after(after_second),
        part("more-is-no-word", "format", "`more` is a number.", first)
            .with(|bundle| bundle["more"] = json!(1)),
    ]
}

pub(crate) fn vectors() -> Vec<Vector> {
    let mut all = begun_anew();
    all.extend(remembered());
    all.extend(in_parts());
    all
}

/// In parts of any size, also while the log grows between them, all receipts are shown once and the end is proved.
#[test]
fn parts_of_any_size_add_up_while_the_log_grows() {
    for take in 1..=8 {
        let mut world = world();
        let remembered = kept(&world.bundle(0, None));
        let mut after: Option<Saved> = None;
        let mut shown = 0;
        loop {
            let part = world.part(0, after.as_ref(), take).to_json().unwrap();
            let trust = amana_log::bundle::Trust {
                since: after.is_none().then_some(remembered),
                after,
                ..Default::default()
            };
            let verified = verify(&part, &trust);
            let verified = match verified {
                Ok(verified) => verified,
                Err(rejected) => panic!("{take}, after {shown}: {rejected}"),
            };
            shown += verified.receipts;
            assert_eq!(verified.mine.at.seq, shown);
            after = verified.saved();
            if !verified.more {
                break;
            }
            world.disclose(1);
            if shown == 2 {
                world.end_segment();
            }
            world.checkpoint();
        }
        assert_eq!(shown, 6, "in parts of {take}");
    }
}

/// A log that shows two histories, hides its end, or has no witness is refused by a customer who saved its root or asks
/// for witnesses; that these lies are among the vectors is held here, so that none is lost.
#[test]
fn abuse_20_a_fork_an_omission_and_a_missing_witness_are_refused() {
    let all = crate::vectors::all();
    for (name, rule) in [
        ("fork", "consistency"),
        ("fork-same-size", "consistency"),
        ("stale-checkpoint", "consistency"),
        ("missing-quorum", "witness"),
        ("no-cosignature", "witness"),
        ("withhold-middle-renumbered", "inclusion"),
        ("withhold-last-upper", "absence"),
        ("withhold-last-skipped", "absence"),
        ("led-on", "absence"),
        ("begun-anew", "absence"),
        ("begun-anew-unseen", "freshness"),
        ("begun-anew-remembered", "memory"),
        ("remembered-other-key", "memory"),
        ("led-on-earlier-index", "freshness"),
        ("led-on-between", "absence"),
        ("led-on-between-dropped", "freshness"),
    ] {
        let vector = all.iter().find(|v| v.name == name).unwrap_or_else(|| panic!("no vector `{name}`"));
        let rejected = vector.judged().err().map(|r| r.to_string());
        let found = rejected.as_deref().and_then(|r| r.split(':').next());
        assert_eq!((found, vector.expect), (Some(rule), rule), "{name}");
    }
}
