// Bundles made in this folder, honest and tampered with, each with the rule that must refuse it. They cross-check the
// vectors in vectors/, which another implementation wrote.

import { TestLog, signer } from "./testlog.mjs";

const copy = (value) => structuredClone(value);

/** A log with two customers, three idle segments and one segment with receipts after them. */
function longLog() {
  const log = new TestLog();
  log.receipt("alice", "consent");
  log.receipt("bob", "consent");
  log.rule("policy 1");
  log.receipt("alice");
  log.index();
  log.receipt("bob");
  log.receipt("alice", "view");
  log.cut(); // 0 → 1
  for (let at = 0; at < 5; at += 1) log.receipt("bob");
  log.cut(); // 1 → 2
  log.receipt("alice", "denial");
  log.receipt("bob");
  log.receipt("alice");
  log.cut(); // 2 → 3
  log.receipt("bob");
  log.cut(); // 3 → 4
  log.cut(); // 4 → 5, nothing at all in it
  for (let at = 0; at < 3; at += 1) log.receipt("bob", "outcome");
  log.index();
  return log;
}

/** Whose log, policies and witnesses the cases use. */
export function cases() {
  const all = [];
  const add = (name, bundle, expect = "ok", trust = {}) =>
    all.push({ name, text: typeof bundle === "string" ? bundle : JSON.stringify(bundle), trust, expect });

  // Honest ones: every size around powers of two, in one segment.
  const small = new TestLog();
  for (let at = 1; at <= 34; at += 1) {
    small.receipt(at % 3 ? "alice" : "bob", at === 1 ? "consent" : "disclosure");
    const size = small.index();
    if (size > 3 && size % 5 === 0) continue;
    add(`honest, ${size} entries`, small.bundle("alice", { since: at > 3 ? size - 5 : null }));
  }
  for (let since = 0; since <= small.entries.length; since += 1) {
    add(`honest, since ${since}`, small.bundle("bob", { since }), "ok", since % 2 ? {} : { since: small.saved(since) });
  }

  const log = longLog();
  const honest = log.bundle("alice");
  const size = log.entries.length;
  add("honest, idle segments", honest);
  add("honest, key pinned", honest, "ok", { vkey: log.signer.vkey });
  add("honest, other customer", log.bundle("bob"));
  add("honest, no receipts", log.bundle("carol"));
  add("honest, saved the same size", honest, "ok", { since: log.saved(size) });

  const [w1, w2, w3] = ["one", "two", "three"].map((name) => signer(`witness.example/${name}`, `seed of witness ${name}`, 4));
  const policy = (quorum, ...more) =>
    [`# who must have signed`, `log ${log.signer.vkey} https://log.example/`, `witness A ${w1.vkey}`, `witness B ${w2.vkey}`,
      `\twitness C ${w3.vkey} https://c.example/`, ...more, `quorum ${quorum}`, ""].join("\n");
  const two = log.bundle("alice", { witnesses: [w1, w3] });
  add("witnesses: none needed", honest, "ok", { policy: policy("none") });
  add("witnesses: one", two, "ok", { policy: policy("C") });
  add("witnesses: two of three", two, "ok", { policy: policy("G", "group G 2 A B C") });
  add("witnesses: groups of groups", two, "ok", { policy: policy("H", "group G any A B", "group H all G C") });
  const long = policy("C");
  add("witnesses: a policy of 128 KiB", two, "ok", { policy: `#${"x".repeat(128 * 1024 - long.length - 2)}\n${long}` });
  add("witnesses: quorum missing", two, "witness", { policy: policy("G", "group G all A B C") });
  add("witnesses: the wrong one", two, "witness", { policy: policy("B") });
  add("witnesses: none has signed", honest, "witness", { policy: policy("A") });
  add("witnesses: log not in the policy", two, "witness", { policy: `witness A ${w1.vkey}\nquorum A\n` });
  for (const [what, text] of [
    ["empty", ""],
    ["two quorums", policy("A", "quorum B")],
    ["unknown word", policy("A", "wittness D x")],
    ["member twice", policy("A", "group G any A A")],
    ["member in two groups", policy("A", "group G any A B", "group H any A C")],
    ["too many needed", policy("A", "group G 3 A B")],
    ["none needed of a group", policy("A", "group G 0 A B")],
    ["same witness twice", policy("A", `witness D ${w1.vkey}`)],
    ["a name twice", policy("A", `group A any B`)],
    ["none as a name", policy("A", `group none any B`)],
    ["a log's key as a witness", policy("A", `witness D ${log.signer.vkey}`)],
    ["the word of an object's own", policy("A", "constructor x")],
  ]) add(`policy: ${what}`, two, "witness", { policy: text });

  // The tamper suite.
  const alice = log.customer("alice").receipts;
  const bundleOf = (receipts) => log.bundle("alice", { receipts });
  add("withhold last", bundleOf(alice.slice(0, -1)), "absence");
  add("withhold all of the last segment", bundleOf(alice.slice(0, 3)), "absence");
  add("withhold middle", bundleOf(alice.filter((_, at) => at !== 1)), "chain");
  add("withhold first", bundleOf(alice.slice(1)), "chain");
  const edit = (change, base = honest) => {
    const one = copy(base);
    change(one);
    return one;
  };
  const rewriteAt = (at, from, to) =>
    edit((one) => {
      const text = Buffer.from(one.receipts[at].receipt, "base64").toString();
      if (!text.includes(from)) throw new Error(`nothing to rewrite: ${from}`);
      one.receipts[at].receipt = Buffer.from(text.replace(from, to)).toString("base64");
    });
  add("rewrite last", rewriteAt(4, "purchase-updates", "purchase-updateZ"), "inclusion");
  add("rewrite middle", rewriteAt(1, "purchase-updates", "purchase-updateZ"), "chain");
  add("rewrite seq", rewriteAt(2, '"seq":3', '"seq":4'), "chain");
  add("rewrite n", rewriteAt(2, '"n":3', '"n":4'), "chain");
  add("rewrite version", rewriteAt(4, '"v":1', '"v":2'), "chain");
  add("rewrite segment to one not listed", rewriteAt(1, '"segment":0', '"segment":1'), "chain");
  add("rewrite the last segment to one not listed", rewriteAt(4, '"segment":2', '"segment":9'), "chain");
  add("receipt without seq", rewriteAt(4, '"seq":5', '"sec":5'), "format");
  add("receipt with a number too large", rewriteAt(4, '"seq":5', '"seq":9007199254740992'), "format");
  add("receipt is no JSON", rewriteAt(1, "{", "["), "format");
  add("receipt is no UTF-8", edit((one) => {
    const bytes = Buffer.from(one.receipts[1].receipt, "base64");
    bytes[bytes.indexOf("first")] = 0xff;
    one.receipts[1].receipt = bytes.toString("base64");
  }), "format");
  add("reorder", edit((one) => one.receipts.reverse()), "chain");
  add("swap two", edit((one) => one.receipts.splice(1, 2, one.receipts[2], one.receipts[1])), "chain");
  add("duplicate receipt", edit((one) => one.receipts.splice(1, 0, one.receipts[0])), "chain");
  add("count too small", edit((one) => (one.segments[0].count = 2)), "chain");
  add("count too large", edit((one) => (one.segments[0].count = 4)), "chain");
  add("edit checkpoint size", edit((one) => (one.checkpoint = one.checkpoint.replace(`\n${size}\n`, `\n${size - 1}\n`))), "signature");
  add("edit checkpoint origin", edit((one) => (one.checkpoint = one.checkpoint.replace("log.example", "lag.example"))), "signature");
  add("origin and key of another log", edit((one) => (one.vkey = new TestLog("other.example/amana").signer.vkey)), "signature");
  add("checkpoint unsigned", edit((one) => (one.checkpoint = `${one.checkpoint.split("\n\n")[0]}\n\n`)), "signature");
  add("checkpoint with an extension line", edit((one) => (one.checkpoint = one.checkpoint.replace("\n\n", "\nextension\n\n"))), "signature");
  add("checkpoint without last newline", edit((one) => (one.checkpoint = one.checkpoint.trimEnd())), "signature");
  add("key id of another", edit((one) => (one.vkey = one.vkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+"))), "signature");
  add("a witness's key as the log's", edit((one) => (one.vkey = w1.vkey)), "signature");
  add("wrong key pin", honest, "key", { vkey: new TestLog("other.example/amana").signer.vkey });
  add("no receipts, the open segment alone", edit((one) => one.segments.splice(0, 5), log.bundle("carol")), "freshness");
  add("all receipts withheld, the open segment alone", edit((one) => one.segments.splice(0, 5), bundleOf([])), "freshness");
  add("all receipts withheld", bundleOf([]), "absence");
  // Two lines of one key: each must be good.
  const twice = (order) => edit((one) => {
    const [text, line] = one.checkpoint.split("\n\n");
    const at = line.length - 20;
    const bad = line.slice(0, at) + (line[at] === "A" ? "B" : "A") + line.slice(at + 1);
    one.checkpoint = `${text}\n\n${order(line, bad)}`;
  });
  add("signed twice", twice((good) => good + good), "ok");
  add("signed twice, the first line bad", twice((good, bad) => bad + good), "signature");
  add("signed twice, the second line bad", twice((good, bad) => good + bad), "signature");
  add("drop an idle segment", edit((one) => one.segments.splice(3, 1)), "freshness");
  add("drop an idle segment between receipts", edit((one) => one.segments.splice(1, 1)), "freshness");
  add("drop the open segment", edit((one) => one.segments.pop()), "freshness");
  add("drop a segment with receipts", edit((one) => one.segments.shift()), "freshness");
  add("drop the last receipt's segment", edit((one) => one.segments.splice(2, 1)), "freshness");
  add("no segments", edit((one) => (one.segments = [])), "freshness");
  add("segment twice", edit((one) => one.segments.splice(1, 0, one.segments[0])), "index");
  add("segments reversed", edit((one) => one.segments.reverse()), "index");
  add("wrong segment", edit((one) => (one.segments[0].segment = 1)), "index");
  add("wrong first", edit((one) => (one.segments[1].first -= 1)), "index");
  add("index entry of a receipt", edit((one) => {
    one.segments[0].index.entry = log.entries[0].toString("base64");
  }), "index");
  add("index entry elsewhere", edit((one) => (one.segments[0].index.log_index -= 1)), "index");
  const stale = log.indexes.find((one) => one.segment === 0);
  add("stale index", edit((one) => {
    // The earlier index entry of segment 0, which did not know the receipt after it.
    const other = log.bundle("alice", { size: stale.log_index + 1 });
    one.segments[0] = other.segments[0];
    one.segments[0].count = 3;
    one.segments[0].index.proof = proofIn(log, stale.log_index);
  }), "freshness");
  add("an old state as the newest", log.bundle("alice", { size: stale.log_index + 1 }), "consistency", { since: log.saved(size) });
  const mid = log.indexes.findIndex((one) => one.segment === 2);
  add("stale open index", (() => {
    const one = log.bundle("alice");
    one.segments = one.segments.filter((segment) => segment.segment <= log.indexes[mid].segment);
    return one;
  })(), "freshness");
  add("false absence: neighbours invented", edit((one) => {
    const { absence } = one.segments[0];
    absence.high = { ...absence.low, position: absence.low.position + 1 };
  }), "absence");
  add("false absence: not neighbours", edit((one) => {
    const full = log.indexes.filter((index) => index.segment === 0).at(-1).leaves;
    one.segments[0].absence.low = { position: 0, leaf: full[0].toString("base64"), proof: leafProof(full, 0) };
    const last = full.length - 1;
    one.segments[0].absence.high = { position: last, leaf: full[last].toString("base64"), proof: leafProof(full, last) };
  }), "absence");
  add("false absence: another place", (() => {
    // Two true neighbours that do not surround the label.
    const one = log.bundle("alice", { receipts: alice.slice(0, -1) });
    return one;
  })(), "absence");
  add("absence leaf too short", edit((one) => (one.segments[0].absence.low.leaf = "AAAA")), "absence");
  add("position too large", edit((one) => (one.segments[0].absence.high.position = 9007199254740991)), "absence");

  // A receipt was written, and later the chain was led on from the one before it, as if it had never been.
  const forked = new TestLog();
  for (const kind of ["consent", "disclosure"]) forked.receipt("alice", kind);
  const early = forked.index() - 1;
  forked.receipt("alice");
  forked.customer("alice").receipts.pop();
  forked.cut(); // 0 → 1
  forked.receipt("bob");
  forked.receipt("alice");
  forked.customer("alice").receipts.pop();
  forked.cut(); // 1 → 2
  forked.receipt("alice");
  forked.index();
  const led = forked.bundle("alice");
  add("chain led on past a withheld receipt", led, "absence");
  add("the same, the segments between left out", edit((one) => one.segments.splice(1, 1), led), "freshness");
  add("the same, the segment's earlier index", edit((one) => {
    const other = forked.bundle("alice", { size: early + 1 });
    one.segments[0] = { ...other.segments[0], index: { ...other.segments[0].index, proof: proofIn(forked, early) } };
    one.segments.splice(1, 1);
  }, led), "freshness");

  // Another log under the same key, with another past: a fork.
  const fork = longLog();
  fork.entries[1] = Buffer.concat([fork.entries[1].subarray(0, 33), Buffer.alloc(32, 7)]);
  add("fork", fork.bundle("alice"), "ok");
  add("fork, saved size", fork.bundle("alice", { since: 8 }), "consistency", { since: log.saved(8) });
  add("fork, the bundle's own since is of the honest log", edit((one) => (one.since.root = log.saved(8).root), fork.bundle("alice", { since: 8 })), "consistency");
  add("fork, same size", fork.bundle("alice"), "consistency", { since: log.saved(size) });
  add("since without proof", honest, "consistency", { since: log.saved(8) });
  add("since, proof of another size", log.bundle("alice", { since: 9 }), "consistency", { since: log.saved(8) });
  add("since larger", edit((one) => (one.since = { size: size + 1, root: log.saved(size).root, proof: [] })), "consistency");
  add("since unreadable", honest, "consistency", { since: { size: 8, root: "x" } });

  for (const [what, text] of [
    ["nothing", ""],
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["a number", "1"],
    ["deep", "[".repeat(200_000)],
  ]) add(`format: ${what}`, text, "format");
  const shape = (what, change) => add(`format: ${what}`, edit(change), "format");
  shape("version 2", (one) => (one.v = 2));
  shape("no version", (one) => delete one.v);
  shape("key too short", (one) => (one.key = one.key.slice(4)));
  shape("key with blanks", (one) => (one.key = ` ${one.key}`));
  shape("base64 with left-over bits", (one) => (one.key = `${one.key.slice(0, -2)}B=`));
  shape("hash of 31 bytes", (one) => (one.receipts[0].proof[0] = Buffer.alloc(31).toString("base64")));
  shape("index negative", (one) => (one.receipts[0].log_index = -1));
  shape("index with a fraction", (one) => (one.receipts[0].log_index = 1.5));
  shape("index as text", (one) => (one.receipts[0].log_index = "1"));
  shape("index too large", (one) => (one.receipts[0].log_index = 9007199254740992));
  shape("proof is no list", (one) => (one.receipts[0].proof = {}));
  shape("proof too long", (one) => (one.receipts[0].proof = Array(108).fill(one.key)));
  shape("no receipts member", (one) => delete one.receipts);
  shape("absence null", (one) => (one.segments[0].absence = null));
  shape("since is text", (one) => (one.since = "8"));
  return all;
}

import { path } from "./testlog.mjs";
const leafProof = (leaves, at) => path(at, leaves).map((hash) => hash.toString("base64"));
const proofIn = (log, at) => leafProof(log.entries, at);
