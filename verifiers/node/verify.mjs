#!/usr/bin/env node
// Verifies a bundle of the Amana disclosure log. Node 18 or newer, nothing else: one file, node:crypto only.
//
//   node verify.mjs BUNDLE.json [--vkey KEY] [--policy FILE] [--since FILE] [--json]
//
// The format and the ten rules are in docs/disclosure-log.md; this file was written from that page alone and shares no
// line with the other verifiers. As a module: `import { verify } from "./verify.mjs"`.

import { createHash, createHmac, createPublicKey, verify as verifySignature } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The rules, in the order in which they are applied. */
export const RULES = Object.freeze([
  "format",
  "key",
  "signature",
  "witness",
  "consistency",
  "index",
  "freshness",
  "chain",
  "inclusion",
  "absence",
]);

// Bounds. A bundle of a customer with 100,000 receipts is about 100 MB.
const MAX_TEXT = 256 * 1024 * 1024;
const MAX_POLICY = 1024 * 1024;
/** A tree of 2^53 leaves has no longer proof: 53 hashes for inclusion, twice that for consistency. */
const MAX_PROOF = 107;

const KINDS = ["disclosure", "outcome", "denial", "consent", "revocation", "erasure", "view"];

/** Why a bundle is refused: the rule's name, and a sentence. */
class Refusal extends Error {
  constructor(rule, detail) {
    super(detail);
    this.rule = rule;
  }
}

function demand(condition, rule, detail) {
  if (!condition) throw new Refusal(rule, detail);
}

/**
 * Verifies a bundle. Never throws.
 *
 * `options.vkey` is the log's key that the caller knows from elsewhere, `options.policyText` a C2SP tlog-policy, `options.since`
 * the last checkpoint that the caller verified, `{size, root}` with the root in base64.
 *
 * Returns `{ok: true, …what was found}` or `{ok: false, rule, detail}`.
 */
export function verify(bundleText, options = {}) {
  try {
    return examine(bundleText, options ?? {});
  } catch (problem) {
    if (problem instanceof Refusal) return { ok: false, rule: problem.rule, detail: problem.message };
    // A mistake in this program must not look like an acceptance.
    return { ok: false, rule: "format", detail: `the bundle could not be read: ${problem?.message ?? problem}` };
  }
}

function examine(bundleText, options) {
  const bundle = readBundle(bundleText);

  if (given(options.vkey)) {
    demand(bundle.vkey === String(options.vkey).trim(), "key", "the bundle names another log key than the one you gave");
  }

  const log = readVkey(bundle.vkey, "signature");
  demand(log.type === 1, "signature", "the log's key is not an Ed25519 key");
  const note = readNote(bundle.checkpoint);
  demand(note.origin === log.name, "signature", "the checkpoint is of a log with another name than the key's");
  const own = note.signatures.filter((line) => line.name === log.name && line.id === log.id);
  demand(own.length > 0, "signature", "the checkpoint does not bear the log's signature");
  for (const line of own) {
    demand(ed25519(log.key, note.text, line.signature), "signature", "the log's signature on the checkpoint is not good");
  }

  const witnesses = given(options.policyText) ? checkPolicy(options.policyText, bundle.vkey, note) : null;

  const since = checkSince(bundle.since, options.since, note);

  checkIndexes(bundle.segments, note);
  checkFreshness(bundle, note);
  checkChain(bundle);
  checkInclusion(bundle, note);
  checkAbsence(bundle);

  const kinds = {};
  for (const { json } of bundle.receipts) {
    const kind = KINDS.includes(json.kind) ? json.kind : "other";
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  const time = (entry) => (typeof entry?.json.decided_at === "string" ? entry.json.decided_at : null);
  return {
    ok: true,
    origin: note.origin,
    size: note.size,
    root: note.root.toString("base64"),
    receipts: bundle.receipts.length,
    kinds,
    from: time(bundle.receipts[0]),
    to: time(bundle.receipts.at(-1)),
    segments: bundle.segments.length,
    pinned: given(options.vkey),
    witnesses,
    since,
  };
}

const given = (value) => value !== undefined && value !== null;

// ---- format -------------------------------------------------------------------------------------------------------

function readBundle(text) {
  const bad = (what) => new Refusal("format", what);
  if (typeof text !== "string") throw bad("a bundle is text");
  if (text.length > MAX_TEXT) throw bad("the bundle is too large");
  let raw;
  try {
    raw = JSON.parse(text);
  } catch {
    throw bad("the bundle is not JSON");
  }

  // Small readers, each of which says where it stood.
  const object = (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${at} is not an object`);
    return value;
  };
  const list = (value, at) => {
    if (!Array.isArray(value)) throw bad(`${at} is not a list`);
    return value;
  };
  const string = (value, at) => {
    if (typeof value !== "string") throw bad(`${at} is not a string`);
    return value;
  };
  const whole = (value, at) => {
    if (!Number.isSafeInteger(value) || value < 0) throw bad(`${at} is not a whole number from 0 to 2^53 − 1`);
    return value;
  };
  const bytes = (value, at) => {
    const read = base64(string(value, at));
    if (!read) throw bad(`${at} is not base64`);
    return read;
  };
  const hash = (value, at) => {
    const read = bytes(value, at);
    if (read.length !== 32) throw bad(`${at} is not 32 bytes`);
    return read;
  };
  const proof = (value, at) => {
    if (list(value, at).length > MAX_PROOF) throw bad(`${at} is too long`);
    return value.map((one, place) => hash(one, `${at}[${place}]`));
  };

  object(raw, "the bundle");
  if (raw.v !== 1) throw bad("the bundle's version is not 1");
  const side = (value, at) => ({
    position: whole(object(value, at).position, `${at}.position`),
    leaf: bytes(value.leaf, `${at}.leaf`),
    proof: proof(value.proof, `${at}.proof`),
  });
  return {
    vkey: string(raw.vkey, "vkey"),
    checkpoint: string(raw.checkpoint, "checkpoint"),
    key: hash(raw.key, "key"),
    segments: list(raw.segments, "segments").map((one, place) => {
      const at = `segments[${place}]`;
      const index = object(object(one, at).index, `${at}.index`);
      const absence = object(one.absence, `${at}.absence`);
      return {
        segment: whole(one.segment, `${at}.segment`),
        first: whole(one.first, `${at}.first`),
        count: whole(one.count, `${at}.count`),
        index: {
          log_index: whole(index.log_index, `${at}.index.log_index`),
          entry: bytes(index.entry, `${at}.index.entry`),
          proof: proof(index.proof, `${at}.index.proof`),
        },
        low: side(absence.low, `${at}.absence.low`),
        high: side(absence.high, `${at}.absence.high`),
      };
    }),
    receipts: list(raw.receipts, "receipts").map((one, place) => {
      const at = `receipts[${place}]`;
      const receipt = bytes(object(one, at).receipt, `${at}.receipt`);
      let json;
      try {
        // Bytes that are not UTF-8 would come back changed.
        const text = receipt.toString("utf8");
        if (!Buffer.from(text, "utf8").equals(receipt)) throw new Error();
        json = object(JSON.parse(text), at);
      } catch {
        throw bad(`${at}: the receipt is not a JSON object`);
      }
      for (const name of ["v", "seq", "segment", "n"]) whole(json[name], `${at}: the receipt's ${name}`);
      string(json.prev, `${at}: the receipt's prev`);
      return {
        log_index: whole(one.log_index, `${at}.log_index`),
        receipt,
        json,
        proof: proof(one.proof, `${at}.proof`),
      };
    }),
    since: given(raw.since)
      ? {
          size: whole(object(raw.since, "since").size, "since.size"),
          root: hash(raw.since.root, "since.root"),
          proof: proof(raw.since.proof, "since.proof"),
        }
      : null,
  };
}

/** Strict base64 (Buffer.from forgives everything), or null. */
function base64(text) {
  const read = Buffer.from(text, "base64");
  return read.toString("base64") === text ? read : null;
}

// ---- signature ----------------------------------------------------------------------------------------------------

function readVkey(text, rule) {
  const parts = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(text);
  const key = parts && base64(parts[3]);
  demand(key && key.length === 33, rule, "a verifier key cannot be read");
  const id = sha256(Buffer.from(`${parts[1]}\n`, "utf8"), key).subarray(0, 4).toString("hex");
  demand(id === parts[2], rule, "a verifier key's id does not belong to it");
  return { name: parts[1], id, type: key[0], key: key.subarray(1) };
}

function readNote(note) {
  const bad = (what) => new Refusal("signature", `the checkpoint ${what}`);
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/u.test(note)) throw bad("has control characters");
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n")) throw bad("is not a signed note");
  const text = note.slice(0, cut + 1);
  const lines = text.split("\n");
  if (lines.length !== 4) throw bad("is not three lines");
  const [origin, size, root] = lines;
  if (origin === "" || !/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw bad("has no origin or no size");
  }
  const rootHash = base64(root);
  if (rootHash?.length !== 32) throw bad("has no root");
  const rest = note.slice(cut + 2, -1);
  const signatures = rest.split("\n").map((line) => {
    const parts = /^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/u.exec(line);
    const bytes = parts && base64(parts[2]);
    if (!bytes || bytes.length < 5) throw bad("has a line that is no signature");
    return { name: parts[1], id: bytes.subarray(0, 4).toString("hex"), signature: bytes.subarray(4) };
  });
  return { text: Buffer.from(text, "utf8"), origin, size: Number(size), root: rootHash, signatures };
}

/** The DER prefix that makes 32 bytes an Ed25519 public key (RFC 8410). */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function ed25519(key, message, signature) {
  if (signature.length !== 64) return false;
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI, key]), format: "der", type: "spki" });
    return verifySignature(null, message, publicKey, signature);
  } catch {
    return false;
  }
}

// ---- witness ------------------------------------------------------------------------------------------------------

/** Evaluates a tlog-policy on the note; returns the names of the witnesses whose cosignature is good. */
function checkPolicy(policyText, vkey, note) {
  const bad = (what) => new Refusal("witness", `the policy file ${what}`);
  if (typeof policyText !== "string" || policyText.length > MAX_POLICY) throw bad("is not text");
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/u.test(policyText)) throw bad("has control characters");
  const logs = [];
  const keys = new Set();
  /** name → whether it has witnessed this checkpoint */
  const witnessed = new Map();
  const members = new Set();
  const good = [];
  let quorum;
  for (const line of policyText.split("\n")) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length === 0 || words[0].startsWith("#")) continue;
    const [what, name, ...rest] = words;
    const define = () => {
      if (name === "none" || witnessed.has(name)) throw bad(`names ${name} twice`);
    };
    const add = (text, type) => {
      const key = readVkey(text, "witness");
      const bytes = `${type} ${key.key.toString("hex")}`;
      if (key.type !== type || keys.has(bytes)) throw bad("has a key of another type, or one twice");
      keys.add(bytes);
      return key;
    };
    if (what === "log" && name && rest.length <= 1) {
      add(name, 1);
      logs.push(name);
    } else if (what === "witness" && name && (rest.length === 1 || rest.length === 2)) {
      define();
      const signed = cosigned(add(rest[0], 4), note);
      if (signed) good.push(name);
      witnessed.set(name, signed);
    } else if (what === "group" && name && rest.length >= 2) {
      define();
      const [rule, ...names] = rest;
      for (const member of names) {
        if (!witnessed.has(member) || members.has(member)) throw bad("has a group with a member unknown or used twice");
        members.add(member);
      }
      const needed = rule === "any" ? 1 : rule === "all" ? names.length : Number(/^[1-9][0-9]{0,5}$/.exec(rule)?.[0]);
      if (!(needed >= 1 && needed <= names.length)) throw bad("has a group that needs more members than it has");
      witnessed.set(name, names.filter((member) => witnessed.get(member)).length >= needed);
    } else if (what === "quorum" && name && rest.length === 0 && quorum === undefined) {
      if (name !== "none" && !witnessed.has(name)) throw bad("has a quorum of nobody it names");
      quorum = name;
    } else {
      throw bad("has a line that cannot be read");
    }
  }
  if (quorum === undefined) throw bad("says nothing of a quorum");
  demand(logs.includes(vkey), "witness", "the policy file does not name this log's key");
  demand(quorum === "none" || witnessed.get(quorum), "witness", "too few witnesses have cosigned this checkpoint");
  return good;
}

function cosigned(witness, note) {
  return note.signatures.some(({ name, id, signature }) => {
    if (name !== witness.name || id !== witness.id || signature.length !== 72) return false;
    const time = signature.readBigUInt64BE(0);
    const message = Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`, "utf8"), note.text]);
    return ed25519(witness.key, message, signature.subarray(8));
  });
}

// ---- consistency --------------------------------------------------------------------------------------------------

/** Holds the checkpoint against the saved one; returns the saved size, or null when there is none. */
function checkSince(inBundle, ownSince, note) {
  let { size, root, proof } = inBundle ?? {};
  if (given(ownSince)) {
    root = typeof ownSince.root === "string" ? base64(ownSince.root) : null;
    size = ownSince.size;
    const whole = Number.isSafeInteger(size) && size >= 0;
    demand(whole && root?.length === 32, "consistency", "your saved checkpoint cannot be read");
    proof = inBundle?.size === size ? inBundle.proof : size === note.size ? [] : null;
  } else if (!inBundle) {
    return null;
  }
  demand(size <= note.size, "consistency", "this checkpoint is older than the one you saved");
  demand(proof, "consistency", "the bundle has no proof from the checkpoint that you saved");
  demand(
    consistent(BigInt(size), root, BigInt(note.size), note.root, proof),
    "consistency",
    "the log does not continue the checkpoint that you saved",
  );
  return size;
}

/** RFC 9162 §2.1.4.2. */
function consistent(first, firstRoot, second, secondRoot, proof) {
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0n) return proof.length === 0 && firstRoot.equals(sha256());
  const path = [...proof];
  // A power of two is a node of both trees: the proof leaves it out.
  if ((first & (first - 1n)) === 0n) path.unshift(firstRoot);
  if (path.length === 0) return false;
  let fn = first - 1n;
  let sn = second - 1n;
  while (fn & 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let fr = path[0];
  let sr = path[0];
  for (const c of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      fr = node(c, fr);
      sr = node(c, sr);
      while (fn !== 0n && !(fn & 1n)) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      sr = node(sr, c);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && fr.equals(firstRoot) && sr.equals(secondRoot);
}

// ---- trees --------------------------------------------------------------------------------------------------------

function sha256(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);
const node = (left, right) => sha256(NODE, left, right);

/** RFC 9162 §2.1.3.2: whether `entry` is leaf number `index` of the tree of `size` leaves under `root`. */
function included(entry, index, size, proof, root) {
  if (BigInt(index) >= BigInt(size)) return false;
  let fn = BigInt(index);
  let sn = BigInt(size) - 1n;
  let r = sha256(LEAF, entry);
  for (const p of proof) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      r = node(p, r);
      while (fn !== 0n && !(fn & 1n)) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      r = node(r, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && r.equals(root);
}

// ---- index, freshness ---------------------------------------------------------------------------------------------

function checkIndexes(segments, note) {
  let before = -1;
  for (const one of segments) {
    const at = `segment ${one.segment}`;
    const { entry, log_index: place, proof } = one.index;
    demand(entry.length === 65 && entry[0] === 1, "index", `${at}: the index entry cannot be read`);
    demand(included(entry, place, note.size, proof, note.root), "index", `${at}: its index entry is not in the log`);
    const says = (offset) => entry.readBigUInt64BE(offset);
    demand(says(1) === BigInt(one.segment), "index", `${at}: the index entry is of another segment`);
    demand(says(9) === BigInt(one.first), "index", `${at}: the index entry begins elsewhere`);
    demand(one.segment > 0 || one.first === 0, "index", `${at}: the first segment does not begin at 0`);
    demand(says(17) === BigInt(place) - BigInt(one.first), "index", `${at}: the index does not cover all before it`);
    demand(one.segment > before, "index", `${at}: segments are not in order`);
    before = one.segment;
    one.covered = place - one.first;
    one.index_root = entry.subarray(25, 57);
    one.index_size = says(57);
    demand(one.index_size <= BigInt(Number.MAX_SAFE_INTEGER), "index", `${at}: the index is too large`);
  }
}

function checkFreshness({ segments, receipts }, note) {
  const rule = "freshness";
  const last = segments.at(-1);
  demand(last, rule, "the bundle lists no segment");
  demand(last.index.log_index === note.size - 1, rule, "the last index entry is not the checkpoint's last leaf");
  let from = 0;
  if (receipts.length > 0) {
    // From the first receipt on: a segment that is left out, or whose end is, could hold one that is withheld.
    const wanted = receipts[0].json.segment;
    from = segments.findIndex((one) => one.segment === wanted);
    demand(from >= 0, rule, "the segment of the first receipt is not listed");
  } else {
    demand(segments[0].segment === 0, rule, "without receipts every segment must be listed, from 0 on");
  }
  for (let place = from + 1; place < segments.length; place += 1) {
    const [one, next] = [segments[place - 1], segments[place]];
    const follows = next.segment === one.segment + 1 && next.first === one.index.log_index + 1;
    demand(follows, rule, `segment ${next.segment} does not follow the one before it`);
  }
}

// ---- chain, inclusion, absence ------------------------------------------------------------------------------------

function checkChain({ segments, receipts }) {
  const rule = "chain";
  const counts = new Map(segments.map((one) => [one.segment, 0]));
  let prev = Buffer.alloc(32).toString("base64");
  let segment = -1;
  for (const [place, { receipt, json }] of receipts.entries()) {
    const at = `receipt ${place + 1}`;
    demand(json.v === 1, rule, `${at}: its version is not 1`);
    demand(json.seq === place + 1, rule, `${at}: the number in it is another`);
    demand(json.prev === prev, rule, `${at}: it does not follow the one before`);
    demand(json.segment >= segment, rule, `${at}: its segment lies before that of the receipt before`);
    demand(counts.has(json.segment), rule, `${at}: its segment is not listed`);
    const n = counts.get(json.segment) + 1;
    demand(json.n === n, rule, `${at}: its place within its segment is another`);
    counts.set(json.segment, n);
    segment = json.segment;
    prev = sha256(receipt).toString("base64");
  }
  for (const one of segments) {
    demand(counts.get(one.segment) === one.count, rule, `segment ${one.segment}: the number of receipts is another`);
  }
}

function derive(key, word, segment, n) {
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64BE(BigInt(segment), 0);
  numbers.writeBigUInt64BE(BigInt(n), 8);
  return createHmac("sha256", key).update(word).update(numbers).digest();
}

function checkInclusion({ key, segments, receipts }, note) {
  const rule = "inclusion";
  const bySegment = new Map(segments.map((one) => [one.segment, one]));
  let before = -1;
  for (const { log_index: place, receipt, json, proof } of receipts) {
    const at = `receipt ${json.seq}`;
    const label = derive(key, "amana/label/v1", json.segment, json.n);
    const blind = derive(key, "amana/blind/v1", json.segment, json.n);
    const commit = sha256("amana/commit/v1", blind, receipt);
    const entry = Buffer.concat([Buffer.from([0]), label, commit]);
    demand(included(entry, place, note.size, proof, note.root), rule, `${at}: it is not in the log`);
    const { first, covered } = bySegment.get(json.segment);
    demand(place >= first && place < first + covered, rule, `${at}: it lies outside its segment`);
    demand(place > before, rule, `${at}: it lies before the receipt before`);
    before = place;
  }
}

function checkAbsence({ key, segments }) {
  for (const { segment, count, low, high, index_root: root, index_size: size } of segments) {
    const rule = "absence";
    const at = `segment ${segment}`;
    const label = derive(key, "amana/label/v1", segment, count + 1);
    for (const { position, leaf, proof } of [low, high]) {
      demand(leaf.length === 40, rule, `${at}: a leaf of the index cannot be read`);
      demand(included(leaf, position, size, proof, root), rule, `${at}: a leaf is not in the index`);
    }
    demand(high.position === low.position + 1, rule, `${at}: the two leaves are not neighbours`);
    const between = label.compare(low.leaf, 0, 32) > 0 && label.compare(high.leaf, 0, 32) < 0;
    demand(between, rule, `${at}: there is a further receipt of yours, or it cannot be ruled out`);
  }
}

// ---- command line -------------------------------------------------------------------------------------------------

const USAGE = `usage: node verify.mjs BUNDLE [--vkey KEY] [--policy FILE] [--since FILE] [--json]

  BUNDLE         the bundle's file, or - for standard input
  --vkey KEY     the log's key, as you know it from elsewhere: the bundle must name this one
  --policy FILE  whose cosignatures there must be (C2SP tlog-policy)
  --since FILE   a bundle or checkpoint that you verified before: the log must continue it
  --json         the result as JSON

exit code: 0 accepted, 1 refused, 2 the command itself was wrong`;

const MEANS = {
  format: "This is not a bundle, or not of a version that this program knows.",
  key: "It was signed by another log than the one you expect.",
  signature: "The log did not sign this checkpoint.",
  witness: "Too few witnesses vouch for this checkpoint.",
  consistency: "The log's past was changed since you last looked, or this is an old state of it.",
  index: "The index of your receipts is not what the log holds.",
  freshness: "Something at the end is left out: the bundle does not reach the end of the log.",
  chain: "A receipt is missing, doubled or in the wrong place.",
  inclusion: "A receipt is not what was written into the log.",
  absence: "There is a further receipt of yours that was not given to you.",
};

/** The checkpoint of an earlier bundle or note, unverified: `since` is what the caller says that they verified. */
function savedCheckpoint(text) {
  let note = text;
  try {
    note = JSON.parse(text).checkpoint;
  } catch {
    // A bare note.
  }
  const { size, root } = readNote(note);
  return { size, root: root.toString("base64") };
}

function main(words) {
  const options = {};
  let file;
  let asJson = false;
  for (let place = 0; place < words.length; place += 1) {
    const word = words[place];
    if (word === "--json") asJson = true;
    else if (["--vkey", "--policy", "--since"].includes(word) && place + 1 < words.length) {
      place += 1;
      if (word === "--vkey") options.vkey = words[place];
      else if (word === "--policy") options.policyText = readFileSync(words[place], "utf8");
      else options.since = savedCheckpoint(readFileSync(words[place], "utf8"));
    } else if (file === undefined && (word === "-" || !word.startsWith("-"))) file = word;
    else throw new Error(USAGE);
  }
  if (file === undefined) throw new Error(USAGE);
  const result = verify(readFileSync(file === "-" ? 0 : file, "utf8"), options);
  if (asJson) console.log(JSON.stringify(result));
  else if (result.ok) {
    const kinds = Object.entries(result.kinds).map(([kind, count]) => `${count} ${kind}`);
    console.log(`accepted: ${result.receipts} receipts${kinds.length ? ` (${kinds.join(", ")})` : ""}, none missing`);
    if (result.from) console.log(`  from ${result.from} to ${result.to}`);
    console.log(`  log ${result.origin}, ${result.size} entries`);
    console.log(`  log key: ${result.pinned ? "the one you gave" : "as the bundle names it (give --vkey to pin it)"}`);
    const names = result.witnesses;
    console.log(`  witnesses: ${names === null ? "not asked for (give --policy)" : names.join(", ") || "none needed"}`);
    console.log(`  earlier checkpoint: ${result.since === null ? "none given" : `continues the one of ${result.since} entries`}`);
  } else {
    console.log(`refused (${result.rule}): ${MEANS[result.rule]}\n  ${result.detail}`);
  }
  return result.ok ? 0 : 1;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (problem) {
    console.error(problem.message);
    process.exitCode = 2;
  }
}
