//! The test vectors in `verifiers/vectors/`, which every verifier is tried on: honest bundles, and each way of cheating
//! with the rule that catches it. They are made here, deterministically; a test holds the files against it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use amana_log::bundle::{Bundle, Rejected, Saved, Trust, Verified, verify};
use amana_log::checkpoint::Checkpoint;
use amana_log::index::SegmentIndex;
use amana_log::merkle::sha256;
use amana_log::note::LogSigner;
use amana_log::policy::Policy;
use amana_log::tiles::TreeReader;
use amana_log::{CustomerKey, Entry, Hash};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::world::{ORIGIN, World, base64, seed};

pub(crate) struct Vector {
    pub(crate) name: &'static str,
    about: &'static str,
    pub(crate) expect: &'static str,
    vkey: Option<String>,
    policy: Option<String>,
    since: Option<Saved>,
    after: Option<Saved>,
    /// The bundle; a text where it is no JSON that this test could write.
    bundle: Value,
}

pub(crate) fn vector(
    name: &'static str,
    expect: &'static str,
    about: &'static str,
    bundle: &Bundle,
) -> Vector {
    let bundle = serde_json::from_str(&bundle.to_json().unwrap()).unwrap();
    Vector { name, about, expect, vkey: None, policy: None, since: None, after: None, bundle }
}

impl Vector {
    pub(crate) fn pinned(self, vkey: String) -> Self {
        Self { vkey: Some(vkey), ..self }
    }

    pub(crate) fn policy(self, policy: String) -> Self {
        Self { policy: Some(policy), ..self }
    }

    pub(crate) fn since(self, size: u64, root: Hash) -> Self {
        self.saved((size, root).into())
    }

    /// What the verifier saved.
    pub(crate) fn saved(self, saved: Saved) -> Self {
        Self { since: Some(saved), ..self }
    }

    /// What the part before ended with.
    pub(crate) fn after(self, saved: Saved) -> Self {
        Self { after: Some(saved), ..self }
    }

    fn text(&self) -> String {
        self.bundle.as_str().map_or_else(|| self.bundle.to_string(), str::to_owned)
    }

    pub(crate) fn judged(&self) -> Result<Verified, Rejected> {
        let policy = self.policy.as_deref().map(Policy::parse).transpose().map_err(|error| Rejected {
            rule: amana_log::bundle::Rule::Witness,
            detail: error.to_string(),
        })?;
        let trust = Trust { vkey: self.vkey.clone(), policy, since: self.since, after: self.after };
        verify(&self.text(), &trust)
    }

    /// Changes the bundle as text.
    pub(crate) fn with_text(self, change: impl FnOnce(&str) -> String) -> Self {
        let text = change(&self.bundle.to_string());
        assert_ne!(text, self.bundle.to_string(), "{}: nothing was changed", self.name);
        Self { bundle: json!(text), ..self }
    }

    /// Changes the bundle as JSON.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.bundle);
        self
    }

    fn file(&self) -> String {
        let mut text = String::from("{\n");
        for (key, value) in [
            ("name", json!(self.name)),
            ("about", json!(self.about)),
            ("expect", json!(self.expect)),
            (
                "trust",
                json!({"vkey": self.vkey, "policy": self.policy, "since": self.since, "after": self.after}),
            ),
        ] {
            text += &format!("\"{key}\": {value},\n");
        }
        text + &format!("\"bundle\": {}\n}}\n", self.bundle)
    }
}

/// Four customers, three segments and an open one. Customer 0 has receipts in segments 0 and 1, the last in 1 alone;
/// segment 2 is idle for all; customer 3 has none at all.
fn world() -> World {
    let mut world = World::new(4);
    world.rule(b"the policy set of the test deployment\n");
    for (customer, kind) in
        [(0, "consent"), (1, "consent"), (0, "disclosure"), (0, "outcome"), (2, "consent"), (1, "disclosure")]
    {
        world.receipt(customer, kind);
    }
    world.checkpoint();
    for (customer, kind) in
        [(0, "disclosure"), (0, "outcome"), (2, "disclosure"), (0, "view"), (1, "outcome")]
    {
        world.receipt(customer, kind);
    }
    world.end_segment();
    for (customer, kind) in [(1, "disclosure"), (0, "denial"), (2, "disclosure"), (1, "revocation")] {
        world.receipt(customer, kind);
    }
    world.checkpoint();
    world.receipt(1, "outcome");
    world.end_segment();
    world.rule(b"an agreement of the test deployment\n");
    world.end_segment();
    world.checkpoint();
    world
}

/// One segment, still open.
pub(crate) fn small() -> World {
    let mut world = World::new(3);
    for (customer, kind) in [(0, "consent"), (1, "consent"), (0, "disclosure"), (0, "outcome")] {
        world.receipt(customer, kind);
    }
    world.checkpoint();
    for (customer, kind) in [(0, "disclosure"), (1, "disclosure"), (0, "outcome"), (1, "outcome")] {
        world.receipt(customer, kind);
    }
    world.checkpoint();
    world
}

pub(crate) fn cosigned(count: usize) -> World {
    let mut world = small();
    world.cosign(count);
    world
}

fn honest() -> Vec<Vector> {
    let (world, small) = (world(), small());
    let (early, latest) = (small.checkpoints[0].0, small.checkpoints[1].0);
    // A log of 16 leaves and an index of 8: both trees complete.
    let mut powers = World::new(2);
    for number in 0..6 {
        powers.disclose(number % 2);
    }
    (0..9).for_each(|number| powers.rule(format!("rule {number}").as_bytes()));
    powers.checkpoint();
    assert_eq!((powers.writer.size(), powers.index.size()), (16, 8));
    // More than one tile, and segments of more than one.
    let mut large = World::new(40);
    for number in 0..1500_usize {
        large.disclose(number * 7 % 40);
        match number {
            600 => large.end_segment(),
            number if number % 211 == 0 => drop(large.checkpoint()),
            _ => {}
        }
    }
    large.checkpoint();
    let mut unicode = World::new(1);
    unicode.receipt(0, "إفصاح \u{1F9FE}");
    unicode.checkpoint();
    let mut alone = World::new(1);
    alone.checkpoint();
    let two = cosigned(2);
    let vkey = small.vkey();
    vec![
        vector("one-segment", "ok", "Five receipts in the only segment.", &small.bundle(0, None)),
        vector("pinned-key", "ok", "The verifier was given the log's key.", &small.bundle(0, None))
            .pinned(vkey),
        vector(
            "many-segments",
            "ok",
            "Receipts in segments 0 and 1, then an idle one, then the open one.",
            &world.bundle(0, None),
        ),
        vector(
            "ends-in-open-segment",
            "ok",
            "The last receipt is in the open segment.",
            &large.bundle(1, None),
        ),
        vector("complete-trees", "ok", "A log of 16 leaves and an index of 8.", &powers.bundle(0, None)),
        vector(
            "no-receipts",
            "ok",
            "A customer without receipts: every segment is listed.",
            &world.bundle(3, None),
        ),
        vector(
            "no-receipts-first-leaf",
            "ok",
            "The log's only leaf is its first index entry.",
            &alone.bundle(0, None),
        ),
        vector("since", "ok", "The bundle names an earlier checkpoint.", &small.bundle(0, Some(early))),
        vector("since-same", "ok", "The earlier checkpoint is this one.", &small.bundle(0, Some(latest))),
        vector("since-empty", "ok", "The earlier checkpoint was the empty log.", &small.bundle(0, Some(0))),
        vector("since-own", "ok", "The verifier has its own copy of it.", &small.bundle(0, Some(early)))
            .since(early, small.root(early)),
        vector(
            "since-own-same",
            "ok",
            "The verifier's own copy has this size: no proof is needed, and the bundle has none.",
            &small.bundle(0, None),
        )
        .since(latest, small.root(latest)),
        vector(
            "since-own-first",
            "ok",
            "A wrong root in the bundle is of no account.",
            &small.bundle(0, Some(early)),
        )
        .with(|bundle| bundle["since"]["root"] = json!(base64(&seed("wrong"))))
        .since(early, small.root(early)),
        vector("witnessed", "ok", "Two of three witnesses cosigned.", &two.bundle(0, None))
            .policy(two.policy("2")),
        vector(
            "witnessed-any",
            "ok",
            "One good cosignature is enough; another is bad.",
            &two.bundle(0, None),
        )
        .with(flip_last_signature)
        .policy(two.policy("any")),
        vector("witnessed-none", "ok", "The policy file asks for no witness.", &small.bundle(0, None))
            .policy(format!("# no witness\nlog {}\nquorum none\n", small.vkey())),
        vector("witnessed-all", "ok", "All three cosigned; pinned, since, and a policy.", &{
            cosigned(3).bundle(0, Some(early))
        })
        .pinned(small.vkey())
        .policy(small.policy("all"))
        .since(early, small.root(early)),
        vector("unicode", "ok", "Receipts are bytes: text beyond ASCII.", &unicode.bundle(0, None)),
        vector(
            "unknown-members",
            "ok",
            "Members that the format does not name are ignored.",
            &small.bundle(0, None),
        )
        .with(|bundle| {
            bundle["extra"] = json!({"a": [1, 2]});
            bundle["receipts"][0]["extra"] = json!("b");
        }),
    ]
}

fn flip_last_signature(bundle: &mut Value) {
    let note = bundle["checkpoint"].as_str().unwrap();
    let (head, last) = note.trim_end().rsplit_once(' ').unwrap();
    let mut signature = base64_decode(last);
    *signature.last_mut().unwrap() ^= 1;
    bundle["checkpoint"] = json!(format!("{head} {}\n", base64(&signature)));
}

fn base64_decode(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

pub(crate) fn edit_base64(value: &mut Value, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = base64_decode(value.as_str().unwrap());
    edit(&mut bytes);
    *value = json!(base64(&bytes));
}

/// Rewrites a receipt's fields as JSON.
fn edit_receipt(value: &mut Value, edit: impl FnOnce(&mut BTreeMap<String, Value>)) {
    edit_base64(value, |bytes| {
        let mut fields: BTreeMap<String, Value> = serde_json::from_slice(bytes).unwrap();
        edit(&mut fields);
        *bytes = serde_json::to_vec(&fields).unwrap();
    });
}

pub(crate) fn list<'a>(bundle: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    bundle[name].as_array_mut().unwrap()
}

pub(crate) fn add(value: &mut Value, more: i64) {
    *value = json!(value.as_i64().unwrap() + more);
}

fn format_and_keys() -> Vec<Vector> {
    let small = small();
    let good = || small.bundle(0, Some(small.checkpoints[0].0));
    let format = |name, about| vector(name, "format", about, &good());
    let signature = |name, about| vector(name, "signature", about, &good());
    let other = LogSigner::new(ORIGIN, &seed("another log")).unwrap().verifier().to_string();
    let elsewhere = LogSigner::new("amana.example/elsewhere", &seed("log")).unwrap().verifier().to_string();
    vec![
        format("unknown-version", "`v` is 2.").with(|bundle| bundle["v"] = json!(2)),
        format("no-version", "`v` is missing.")
            .with(|bundle| drop(bundle.as_object_mut().unwrap().remove("v"))),
        format("not-an-object", "The bundle is an array.").with(|bundle| *bundle = json!([1])),
        format("short-hash", "A hash of 31 bytes in a proof.").with(|bundle| {
            edit_base64(&mut bundle["receipts"][1]["proof"][0], |hash| hash.truncate(31));
        }),
        format("long-key", "The customer's key has 33 bytes.").with(|bundle| {
            edit_base64(&mut bundle["key"], |key| key.push(0));
        }),
        format("not-base64", "A receipt is not base64.")
            .with(|bundle| bundle["receipts"][0]["receipt"] = json!("*")),
        format("negative-index", "A log index is negative.")
            .with(|bundle| bundle["receipts"][0]["log_index"] = json!(-1)),
        format("fraction", "A position is no whole number.")
            .with(|bundle| bundle["segments"][0]["absence"]["low"]["position"] = json!(0.5)),
        format("beyond-2-53", "A count is 2^53.")
            .with(|bundle| bundle["segments"][0]["count"] = json!(1_u64 << 53)),
        format("number-as-text", "A log index is a string.")
            .with(|bundle| bundle["receipts"][0]["log_index"] = json!("0")),
        format("no-absence", "A segment has no absence.")
            .with(|bundle| drop(bundle["segments"][0].as_object_mut().unwrap().remove("absence"))),
        format("receipts-null", "`receipts` is null.").with(|bundle| bundle["receipts"] = Value::Null),
        vector("wrong-key-pin", "key", "The verifier was given another key.", &good()).pinned(other.clone()),
        signature("other-key", "The bundle brings another log's key.")
            .with(|bundle| bundle["vkey"] = json!(other)),
        signature("other-name", "The same key under another name.")
            .with(|bundle| bundle["vkey"] = json!(elsewhere)),
        signature("broken-key", "`vkey` is no verifier key.").with(|bundle| bundle["vkey"] = json!("amana")),
        signature("edit-checkpoint-origin", "The checkpoint's origin was edited.").with(|bundle| {
            bundle["checkpoint"] =
                json!(bundle["checkpoint"].as_str().unwrap().replacen("amana", "banana", 1));
        }),
        signature("edit-checkpoint-size", "The checkpoint's size was edited.").with(|bundle| {
            bundle["checkpoint"] =
                json!(bundle["checkpoint"].as_str().unwrap().replacen("\n10\n", "\n11\n", 1));
        }),
        signature("edit-checkpoint-root", "The checkpoint's root was edited.").with(|bundle| {
            let note = bundle["checkpoint"].as_str().unwrap().to_owned();
            let root = note.split('\n').nth(2).unwrap();
            bundle["checkpoint"] = json!(note.replacen(root, &base64(&seed("root")), 1));
        }),
        signature("edit-signature", "The log's signature was edited.").with(flip_last_signature),
        signature("no-signature", "The checkpoint has no signature.").with(|bundle| {
            let note = bundle["checkpoint"].as_str().unwrap();
            bundle["checkpoint"] = json!(note.split_once('—').unwrap().0);
        }),
        signature("second-signature-bad", "The log's signature stands twice, the second time edited.").with(
            |bundle| {
                let note = bundle["checkpoint"].as_str().unwrap().to_owned();
                flip_last_signature(bundle);
                let edited = bundle["checkpoint"].as_str().unwrap().trim_end().rsplit_once('\n').unwrap().1;
                bundle["checkpoint"] = json!(format!("{note}{edited}\n"));
            },
        ),
        signature("extension-line", "A checkpoint has three lines.").with(|bundle| {
            let note = bundle["checkpoint"].as_str().unwrap().replacen("\n\n", "\nmore\n\n", 1);
            bundle["checkpoint"] = json!(note);
        }),
    ]
}

fn witnesses_and_forks() -> Vec<Vector> {
    let (small, one, two) = (small(), cosigned(1), cosigned(2));
    let early = small.checkpoints[0].0;
    let unknown = format!("log {}\nquorum none\n", LogSigner::new(ORIGIN, &seed("x")).unwrap().verifier());
    // The same log key, and another history.
    let mut fork = World::new(3);
    for customer in [1, 0, 2, 0, 1, 1, 0, 2] {
        fork.disclose(customer);
    }
    fork.checkpoint();
    let quorum =
        |name, about, bundle: &Bundle| vector(name, "witness", about, bundle).policy(two.policy("2"));
    let twice = one.bundle(0, None);
    vec![
        quorum("missing-quorum", "One of the two witnesses asked for.", &one.bundle(0, None)),
        quorum("no-cosignature", "No witness at all.", &small.bundle(0, None)),
        quorum("bad-cosignature", "The second cosignature is not good.", &two.bundle(0, None))
            .with(flip_last_signature),
        vector("cosigned-again", "ok", "A witness's bad line beside its good one.", &two.bundle(0, None))
            .with(|bundle| {
                let note = bundle["checkpoint"].as_str().unwrap().to_owned();
                flip_last_signature(bundle);
                let edited = bundle["checkpoint"].as_str().unwrap().trim_end().rsplit_once('\n').unwrap().1;
                bundle["checkpoint"] = json!(note.replacen("\n\n", &format!("\n\n{edited}\n"), 1));
            })
            .policy(two.policy("2")),
        quorum("cosigned-twice", "One witness's cosignature stands twice.", &twice).with(|bundle| {
            let note = bundle["checkpoint"].as_str().unwrap();
            let last = note.trim_end().rsplit_once('\n').unwrap().1;
            bundle["checkpoint"] = json!(format!("{note}{last}\n"));
        }),
        quorum(
            "cosignature-elsewhere",
            "The cosignature is for an earlier checkpoint.",
            &two.bundle(0, None),
        )
        .with(|bundle| {
            let mut before = self::small();
            let (size, note) = before.checkpoints.pop().unwrap();
            before.cosign(2);
            let stale = before.checkpoints[0].1.to_string();
            let stale = stale.split_once("\n\n").unwrap().1.split_once('\n').unwrap().1;
            assert_eq!(size, 10);
            bundle["checkpoint"] = json!(format!("{note}{stale}"));
        }),
        vector("unknown-log", "witness", "The policy file names another log.", &small.bundle(0, None))
            .policy(unknown),
        vector("fork-bundle", "consistency", "The saved root was flipped.", &small.bundle(0, Some(early)))
            .with(|bundle| edit_base64(&mut bundle["since"]["root"], |root| root[0] ^= 1)),
        vector("fork", "consistency", "Another history, signed by the same log.", &{
            let mut bundle = fork.bundle(0, None);
            bundle.since = small.bundle(0, Some(early)).since;
            bundle
        })
        .since(early, small.root(early)),
        vector("fork-same-size", "consistency", "Equal sizes with different roots.", &fork.bundle(0, None))
            .since(fork.writer.size(), seed("another root")),
        vector(
            "stale-checkpoint",
            "consistency",
            "An old checkpoint is shown to one who has saved a newer one.",
            &small.bundle_at(0, 0, None),
        )
        .since(small.writer.size(), small.root(small.writer.size())),
        vector(
            "no-consistency-proof",
            "consistency",
            "The verifier's copy has no proof.",
            &small.bundle(0, None),
        )
        .since(early, small.root(early)),
        vector("short-consistency-proof", "consistency", "A hash is missing.", &small.bundle(0, Some(early)))
            .with(|bundle| drop(bundle["since"]["proof"].as_array_mut().unwrap().pop())),
    ]
}

/// An index entry that says something untrue, signed all the same: a log that lies.
fn lie(about: impl FnOnce(&mut amana_log::IndexEntry)) -> World {
    let mut world = small();
    world.disclose(0);
    world.checkpoint_with(about);
    world
}

fn indexes() -> Vec<Vector> {
    let world = world();
    let small = small();
    let index = |name, about, bundle: &Bundle| vector(name, "index", about, bundle);
    let fresh = |name, about, bundle: &Bundle| vector(name, "freshness", about, bundle);
    let good = world.bundle(0, None);
    // Segment 1 begins one entry too late: what lies between is in no index.
    let mut gap = World::new(2);
    gap.disclose(0);
    gap.checkpoint();
    gap.receipt(0, "outcome");
    gap.hide_last();
    gap.finals.push(1);
    let ended = std::mem::replace(&mut gap.index, SegmentIndex::new(1, 3));
    ended.into_tree().write_tiles(&*gap.tiles).unwrap();
    gap.checkpoint();
    gap.customers[0].receipts.pop();
    vec![
        index("index-not-included", "The index entry's proof is another one's.", &good)
            .with(|bundle| bundle["segments"][0]["index"]["proof"] = bundle["segments"][1]["index"]["proof"].clone()),
        index("index-edited", "The index entry was edited.", &small.bundle(0, None))
            .with(|bundle| edit_base64(&mut bundle["segments"][0]["index"]["entry"], |entry| entry[30] ^= 1)),
        index("index-is-receipt", "What is given as the index entry is a receipt.", &small.bundle(0, None)).with(
            |bundle| {
                let receipt = bundle["receipts"][0].clone();
                let key = CustomerKey::new(&small.customers[0].key);
                let entry = key.entry(0, 1, &base64_decode(receipt["receipt"].as_str().unwrap()));
                bundle["segments"][0]["index"] =
                    json!({"log_index": receipt["log_index"], "entry": base64(entry.encode().as_ref()), "proof": receipt["proof"]});
            },
        ),
        index("wrong-segment", "The index entry is another segment's.", &good)
            .with(|bundle| bundle["segments"][1]["index"] = bundle["segments"][2]["index"].clone()),
        index("segment-renumbered", "A segment is given another number.", &good)
            .with(|bundle| add(&mut bundle["segments"][3]["segment"], 1)),
        index("first-edited", "`first` is not the index entry's.", &good)
            .with(|bundle| add(&mut bundle["segments"][1]["first"], -1)),
        index("segment-twice", "A segment is listed twice.", &good).with(|bundle| {
            let first = bundle["segments"][0].clone();
            list(bundle, "segments").insert(1, first);
        }),
        index("segments-unsorted", "Segments do not ascend.", &good).with(|bundle| list(bundle, "segments").swap(0, 1)),
        index("covers-too-little", "The log signed an index that leaves out its end.", &{
            lie(|entry| entry.covered -= 1).bundle(0, None)
        }),
        index("begins-late", "Segment 0 does not begin at 0.", &{
            lie(|entry| {
                entry.first += 1;
                entry.covered -= 1;
            })
            .bundle(1, None)
        }),
        fresh("stale-index", "The index entry is that of an earlier checkpoint.", &small.bundle(0, None)).with(|bundle| {
            let stale: Value = serde_json::from_str(&small.bundle_at(0, 0, None).to_json().unwrap()).unwrap();
            let early = small.checkpoints[0].0;
            let proof = TreeReader::new(&*small.tiles, small.writer.size()).inclusion(early - 1, small.writer.size());
            let mut segment = stale["segments"][0].clone();
            segment["index"]["proof"] =
                json!(proof.unwrap().iter().map(|hash| base64(hash)).collect::<Vec<_>>());
            bundle["segments"] = json!([segment]);
            list(bundle, "receipts").truncate(3);
        }),
        fresh("dropped-open-segment", "The open segment is not listed.", &good)
            .with(|bundle| drop(list(bundle, "segments").pop())),
        fresh("dropped-idle-segment", "An idle segment is not listed.", &good)
            .with(|bundle| drop(list(bundle, "segments").remove(2))),
        fresh("dropped-last-segment", "The last receipt's segment is not listed.", &good)
            .with(|bundle| drop(list(bundle, "segments").remove(1))),
        fresh("no-segments", "No segment is listed.", &good).with(|bundle| list(bundle, "segments").clear()),
        fresh("no-receipts-open-only", "Without receipts every segment must be listed.", &world.bundle(3, None))
            .with(|bundle| drop(list(bundle, "segments").drain(..3))),
        fresh("no-receipts-at-all-shown", "All receipts withheld, and only the open segment shown.", &good).with(
            |bundle| {
                list(bundle, "receipts").clear();
                list(bundle, "segments").drain(..3);
            },
        ),
        fresh("segment-gap", "A segment begins after the end of the one before.", &gap.bundle(0, None)),
    ]
}

fn receipts() -> Vec<Vector> {
    let (world, small) = (world(), small());
    let chain = |name, about, bundle: &Bundle| vector(name, "chain", about, bundle);
    let inclusion = |name, about, bundle: &Bundle| vector(name, "inclusion", about, bundle);
    let (good, many) = (small.bundle(0, None), world.bundle(0, None));
    let proof_of = |at: u64| {
        let proof =
            TreeReader::new(&*small.tiles, small.writer.size()).inclusion(at, small.writer.size()).unwrap();
        json!(proof.iter().map(|hash| base64(hash)).collect::<Vec<_>>())
    };
    vec![
        chain("withhold-first", "The first receipt is left out.", &good).with(|bundle| {
            list(bundle, "receipts").remove(0);
            add(&mut bundle["segments"][0]["count"], -1);
        }),
        chain("withhold-middle", "A receipt in the middle is left out.", &good).with(|bundle| {
            list(bundle, "receipts").remove(2);
            add(&mut bundle["segments"][0]["count"], -1);
        }),
        inclusion(
            "withhold-middle-renumbered",
            "Left out, and the later ones numbered and chained anew.",
            &good,
        )
        .with(|bundle| {
            list(bundle, "receipts").remove(2);
            add(&mut bundle["segments"][0]["count"], -1);
            rechain(bundle);
        }),
        chain("rewrite-middle", "A receipt's purpose was rewritten.", &good).with(|bundle| {
            edit_receipt(&mut bundle["receipts"][1]["receipt"], |fields| {
                fields.insert("purpose".to_owned(), json!("balance_question"));
            });
        }),
        inclusion("rewrite-last", "The last receipt's purpose was rewritten.", &good).with(|bundle| {
            edit_receipt(&mut bundle["receipts"][4]["receipt"], |fields| {
                fields.insert("purpose".to_owned(), json!("balance_question"));
            });
        }),
        inclusion("rewrite-chained", "A receipt was rewritten, and the later ones chained anew.", &good)
            .with(|bundle| {
                edit_receipt(&mut bundle["receipts"][1]["receipt"], |fields| {
                    fields.insert("form".to_owned(), json!("notice"));
                });
                rechain(bundle);
            }),
        chain("reorder", "Two receipts are swapped.", &good)
            .with(|bundle| list(bundle, "receipts").swap(1, 2)),
        inclusion("reorder-places", "Two receipts' places are swapped.", &good).with(|bundle| {
            let (first, second) = (bundle["receipts"][1].clone(), bundle["receipts"][2].clone());
            for name in ["log_index", "proof"] {
                bundle["receipts"][1][name] = second[name].clone();
                bundle["receipts"][2][name] = first[name].clone();
            }
        }),
        chain("duplicate", "A receipt stands twice.", &good).with(|bundle| {
            let receipt = bundle["receipts"][4].clone();
            list(bundle, "receipts").push(receipt);
            add(&mut bundle["segments"][0]["count"], 1);
        }),
        chain("duplicate-segment-count", "The counts of two segments are swapped.", &many).with(|bundle| {
            let (first, second) =
                (bundle["segments"][0]["count"].clone(), bundle["segments"][1]["count"].clone());
            bundle["segments"][0]["count"] = second;
            bundle["segments"][1]["count"] = first;
        }),
        chain("count-low", "A count is one less than its receipts.", &good)
            .with(|bundle| add(&mut bundle["segments"][0]["count"], -1)),
        vector("segment-of-receipts-dropped", "freshness", "A segment with receipts is not listed.", &many)
            .with(|bundle| drop(list(bundle, "segments").remove(0))),
        chain("receipt-version", "A receipt's version is 2.", &good).with(|bundle| {
            edit_receipt(&mut bundle["receipts"][4]["receipt"], |fields| {
                drop(fields.insert("v".to_owned(), json!(2)));
            });
        }),
        vector("receipt-is-no-json", "format", "A receipt's bytes are no JSON.", &good).with(|bundle| {
            bundle["receipts"][4]["receipt"] = json!(base64(b"amana"));
        }),
        vector("receipt-without-prev", "format", "A receipt lacks `prev`.", &good).with(|bundle| {
            edit_receipt(&mut bundle["receipts"][3]["receipt"], |fields| drop(fields.remove("prev")));
        }),
        chain("segment-number-n", "A receipt's number within its segment is another one.", &good).with(
            |bundle| {
                edit_receipt(&mut bundle["receipts"][4]["receipt"], |fields| {
                    drop(fields.insert("n".to_owned(), json!(6)));
                });
            },
        ),
        inclusion("invented", "A receipt that is not in the log.", &good).with(|bundle| {
            let mut receipt = bundle["receipts"][4].clone();
            receipt["log_index"] = json!(9);
            receipt["proof"] = proof_of(9);
            list(bundle, "receipts").push(receipt);
            add(&mut bundle["segments"][0]["count"], 1);
            rechain(bundle);
        }),
        inclusion("other-key-of-customer", "The key is another customer's.", &good)
            .with(|bundle| bundle["key"] = json!(base64(&small.customers[1].key))),
        inclusion("wrong-place", "A receipt's place is another one.", &good).with(|bundle| {
            bundle["receipts"][4]["log_index"] = json!(8);
            bundle["receipts"][4]["proof"] = proof_of(8);
        }),
        inclusion("place-outside-log", "A place beyond the log's end.", &good)
            .with(|bundle| bundle["receipts"][4]["log_index"] = json!(1000)),
        inclusion("long-proof", "A proof has a hash too many.", &good).with(|bundle| {
            bundle["receipts"][0]["proof"].as_array_mut().unwrap().push(json!(base64(&seed("more"))));
        }),
        inclusion("endless-proof", "A proof of 100 hashes.", &good).with(|bundle| {
            bundle["receipts"][0]["proof"] = json!(vec![base64(&seed("more")); 100]);
        }),
        inclusion("empty-proof", "A proof is empty.", &good)
            .with(|bundle| bundle["receipts"][0]["proof"] = json!([])),
        inclusion("outside-its-segment", "A receipt that says segment 1 lies in segment 0.", &outside()),
    ]
}

/// Gives the receipts of a bundle numbers and a chain as if they were all that there are. The places stay.
fn rechain(bundle: &mut Value) {
    let mut prev = [0; 32];
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for (seq, receipt) in (1_u64..).zip(list(bundle, "receipts")) {
        edit_receipt(&mut receipt["receipt"], |fields| {
            let n = counts.entry(fields["segment"].as_u64().unwrap()).or_insert(0);
            *n += 1;
            fields.insert("seq".to_owned(), json!(seq));
            fields.insert("n".to_owned(), json!(n));
            fields.insert("prev".to_owned(), json!(base64(&prev)));
        });
        prev = sha256(&base64_decode(receipt["receipt"].as_str().unwrap()));
    }
}

/// A log that puts a receipt of segment 1 into segment 0, where the index of segment 1 does not see it.
fn outside() -> Bundle {
    let mut world = World::new(1);
    world.disclose(0);
    // The receipt as segment 1 will number it, appended while segment 0 is open.
    let mut later = World::new(1);
    later.disclose(0);
    later.end_segment();
    later.disclose(0);
    let (_, bytes, _) = later.customers[0].receipts[1].clone();
    let at = world.writer.append(&CustomerKey::new(&world.customers[0].key).entry(1, 1, &bytes));
    world.customers[0].receipts.push((at, bytes, 1));
    world.end_segment();
    world.checkpoint();
    world.bundle(0, None)
}

fn absences() -> Vec<Vector> {
    let (world, small) = (world(), small());
    let absence = |name, about, bundle: &Bundle| vector(name, "absence", about, bundle);
    let (good, many) = (small.bundle(0, None), world.bundle(0, None));
    let key = CustomerKey::new(&small.customers[0].key);
    let tree = small.index.tree(small.writer.size());
    // Honest neighbours of a label that is absent, in place of the one that is asked for.
    let beside = |label: &Hash| -> Value {
        let found = tree.absence(label).unwrap().unwrap();
        let side = |side: &amana_log::index::Neighbour| {
            let proof: Vec<String> = side.proof.iter().map(|hash| base64(hash)).collect();
            json!({"position": side.position, "leaf": base64(&side.leaf.encode()), "proof": proof})
        };
        json!({"low": side(&found.low), "high": side(&found.high)})
    };
    let last = key.label(0, 5);
    let before_last = |less: bool| -> Value {
        // The neighbours of labels just beside the withheld one.
        let mut label = last;
        label[31] = if less { label[31].wrapping_sub(1) } else { label[31].wrapping_add(1) };
        beside(&label)
    };
    let withhold = |bundle: &mut Value| {
        list(bundle, "receipts").pop();
        add(&mut bundle["segments"][0]["count"], -1);
    };
    vec![
        absence("withhold-last", "The last receipt is left out; its label is the lower neighbour.", &good)
            .with(|bundle| {
                withhold(bundle);
                bundle["segments"][0]["absence"] = before_last(false);
            }),
        absence(
            "withhold-last-upper",
            "The last receipt is left out; its label is the upper neighbour.",
            &good,
        )
        .with(|bundle| {
            withhold(bundle);
            bundle["segments"][0]["absence"] = before_last(true);
        }),
        absence(
            "withhold-last-skipped",
            "Left out, and the two leaves around it given as neighbours.",
            &good,
        )
        .with(|bundle| {
            withhold(bundle);
            let (low, high) = (before_last(true), before_last(false));
            bundle["segments"][0]["absence"] = json!({"low": low["low"], "high": high["high"]});
        }),
        absence("withhold-last-renumbered", "As before, and the positions made to fit.", &good).with(
            |bundle| {
                withhold(bundle);
                let (low, mut high) = (before_last(true)["low"].clone(), before_last(false)["high"].clone());
                high["position"] = json!(low["position"].as_u64().unwrap() + 1);
                bundle["segments"][0]["absence"] = json!({"low": low, "high": high});
            },
        ),
        absence("withhold-last-unchanged", "Left out, and the absence of the number after it kept.", &good)
            .with(withhold),
        absence("withhold-last-of-segment", "The only receipt of segment 1 is left out.", &many).with(
            |bundle| {
                list(bundle, "receipts").pop();
                bundle["segments"][1]["count"] = json!(0);
            },
        ),
        absence("withhold-all", "All receipts are left out, and all segments shown.", &good).with(|bundle| {
            list(bundle, "receipts").clear();
            bundle["segments"][0]["count"] = json!(0);
        }),
        absence("false-absence", "The upper neighbour is the lower one again.", &good).with(|bundle| {
            let mut low = bundle["segments"][0]["absence"]["low"].clone();
            add(&mut low["position"], 1);
            bundle["segments"][0]["absence"]["high"] = low;
        }),
        absence("false-absence-leaf", "A leaf of the index was edited.", &good).with(|bundle| {
            edit_base64(&mut bundle["segments"][0]["absence"]["high"]["leaf"], |leaf| leaf[39] ^= 1);
        }),
        absence("false-absence-proof", "A neighbour's proof was edited.", &good).with(|bundle| {
            edit_base64(&mut bundle["segments"][0]["absence"]["low"]["proof"][0], |hash| hash[0] ^= 1);
        }),
        absence("absence-elsewhere", "Neighbours that surround another label.", &good).with(|bundle| {
            bundle["segments"][0]["absence"] = beside(&[0x01; 32]);
        }),
        absence("absence-of-other-segment", "Neighbours of another segment's index.", &many)
            .with(|bundle| bundle["segments"][0]["absence"] = bundle["segments"][3]["absence"].clone()),
        absence("short-leaf", "A leaf of the index has 39 bytes.", &good).with(|bundle| {
            edit_base64(&mut bundle["segments"][0]["absence"]["low"]["leaf"], |leaf| leaf.truncate(39));
        }),
        absence("position-outside", "Neighbours beyond the end of the index.", &good).with(|bundle| {
            bundle["segments"][0]["absence"]["low"]["position"] = json!(1000);
            bundle["segments"][0]["absence"]["high"]["position"] = json!(1001);
        }),
    ]
}

pub(crate) fn all() -> Vec<Vector> {
    let mut all = honest();
    all.extend(format_and_keys());
    all.extend(witnesses_and_forks());
    all.extend(indexes());
    all.extend(receipts());
    all.extend(absences());
    all.extend(crate::led_on::vectors());
    all.extend(crate::anew::vectors());
    all.extend(crate::strict::vectors());
    all.extend(crate::bounds::vectors());
    all
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../verifiers/vectors")
}

fn files() -> BTreeMap<String, String> {
    let all = all();
    let mut files: BTreeMap<String, String> =
        all.iter().map(|vector| (format!("{}.json", vector.name), vector.file())).collect();
    assert_eq!(files.len(), all.len(), "two vectors with one name");
    let names: Vec<String> = all
        .iter()
        .map(|vector| {
            let file = format!("{}.json", vector.name);
            format!("  {}", json!({"name": vector.name, "file": file, "expect": vector.expect}))
        })
        .collect();
    files.insert("index.json".to_owned(), format!("[\n{}\n]\n", names.join(",\n")));
    files
}

/// Each vector is accepted, or refused by the rule that it names.
#[test]
fn abuse_04_every_way_of_cheating_is_caught_by_its_rule() {
    let mut wrong = Vec::new();
    for vector in all() {
        let found = match vector.judged() {
            Ok(_) => "ok".to_owned(),
            Err(rejected) => rejected.to_string(),
        };
        if found.split(':').next() != Some(vector.expect) {
            wrong.push(format!("{}: {}, found {found}", vector.name, vector.expect));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A document with its members in one order, also those of documents within it as texts: which order `serde_json` keeps
/// depends on what else is built with it.
fn sorted(text: &str) -> String {
    fn walk(value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::Object(members) => {
                let members: std::collections::BTreeMap<_, _> =
                    members.into_iter().map(|(name, value)| (name, walk(value))).collect();
                Value::Array(members.into_iter().map(|(n, v)| Value::Array(vec![n.into(), v])).collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(walk).collect()),
            Value::String(text) if text.starts_with('{') => match serde_json::from_str(&text) {
                Ok(document) => walk(document),
                Err(_) => Value::String(text),
            },
            other => other,
        }
    }
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |value| walk(value).to_string())
}

/// The files in the repository are these vectors. After a change of the format, write them again with
/// `cargo test -p amana-log --test it -- --ignored write_vectors`.
#[test]
fn the_files_are_these_vectors() {
    let files = files();
    for (name, text) in &files {
        let found = std::fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(sorted(&found) == sorted(text), "{name} is not as it is made");
    }
    let found = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(found, files.len(), "a file that nobody made");
    let bytes: usize = files.values().map(String::len).sum();
    assert!(bytes < 1_500_000, "{bytes} bytes are too many for a repository");
}

#[test]
#[ignore = "writes the files that the other test checks"]
fn write_vectors() {
    let _ = std::fs::remove_dir_all(folder());
    std::fs::create_dir_all(folder()).unwrap();
    for (name, text) in files() {
        std::fs::write(folder().join(name), text).unwrap();
    }
}

/// What the vectors hold is public: nothing of it is a key that signs elsewhere.
#[test]
fn the_checkpoints_are_of_the_test_log() {
    for vector in honest() {
        let note = vector.bundle["checkpoint"].as_str().unwrap();
        let text = note.split_once("\n\n").unwrap().0;
        assert_eq!(Checkpoint::parse(&format!("{text}\n")).unwrap().origin, ORIGIN);
        let entry = base64_decode(vector.bundle["segments"][0]["index"]["entry"].as_str().unwrap());
        assert!(matches!(Entry::decode(&entry), Ok(Entry::Index(_))));
    }
}
