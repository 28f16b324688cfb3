#!/usr/bin/env node
// Verifies a bundle of the Amana disclosure log. Node 18 or newer, nothing else: one file, node:crypto only.
//
//   node verify.mjs BUNDLE.json [PART.json …] [--vkey KEY] [--policy FILE] [--since FILE] [--json]
//
// The format and the eleven rules are in docs/disclosure-log.md; this file was written from that page alone and shares no
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
  "memory",
  "index",
  "freshness",
  "chain",
  "inclusion",
  "absence",
]);

// Bounds. Whoever has more receipts than fit is given several parts.
const MAX_TEXT = 128 * 1024 * 1024;
/** How deep JSON may lie. */
const MAX_DEPTH = 16;
/** Bytes of a policy file, and names in it. */
const MAX_POLICY = 128 * 1024;
const MAX_POLICY_NAMES = 256;
/** Bytes of a note, and its signature lines. */
const MAX_NOTE = 128 * 1024;
const MAX_SIGNATURES = 64;
/** A tree of 2^53 leaves has no longer proof: 53 hashes for inclusion, twice that for consistency. */
const MAX_PROOF = 107;

const KINDS = ["disclosure", "outcome", "denial", "consent", "revocation", "erasure", "view", "sighting"];

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
 * Verifies a bundle, its text or its bytes. Never throws.
 *
 * `options.vkey` is the log's key that the caller knows from elsewhere, `options.policyText` a C2SP tlog-policy, `options.since`
 * what the caller kept of the bundle that they verified last, `{size, root, mine}`: size and root of the checkpoint, and whose
 * receipts up to where, as the result says them (a bare checkpoint has no `mine`). Of a bundle in parts, `options.after` is
 * the same of the part before.
 *
 * Returns `{ok: true, …what was found}` or `{ok: false, rule, detail}`. Where `more` is true, another part follows, and nothing
 * is said of the end yet.
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

  const since = checkSince(bundle.since, given(options.after) ? options.after : options.since, note);

  checkMemory(bundle, options);
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
    mine: standing(bundle),
    more: bundle.more,
  };
}

/** Whose receipts these are, and up to where they were shown. */
function standing({ key, segments, receipts, after }) {
  const [segment, receipt] = [segments.at(-1), receipts.at(-1)];
  return {
    who: sha256(key).toString("base64"),
    at: {
      seq: after.seq + receipts.length,
      hash: (receipt ? sha256(receipt.receipt) : after.hash).toString("base64"),
      from: receipt ? receipt.log_index + 1 : after.from,
      segment: segment.segment,
      first: segment.first,
      count: segment.count,
    },
  };
}

/** Where a bundle begins that is no later part. */
const BEGINNING = Object.freeze({ seq: 0, hash: Buffer.alloc(32), from: 0, segment: 0, first: 0, count: 0 });

const given = (value) => value !== undefined && value !== null;

// ---- format -------------------------------------------------------------------------------------------------------

/** A file's text: UTF-8 without a mistake, as it stands (a byte order mark is a part of it). */
function decode(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function readBundle(read) {
  const bad = (what) => new Refusal("format", what);
  let text = read;
  if (read instanceof Uint8Array) {
    try {
      text = decode(read);
    } catch {
      throw bad("the bundle is not UTF-8");
    }
  }
  if (typeof text !== "string") throw bad("a bundle is text");
  if (Buffer.byteLength(text) > MAX_TEXT) throw bad("the bundle is too large");
  let raw;
  try {
    raw = strictJson(text);
  } catch (problem) {
    throw bad(`the bundle is not the JSON that the format takes: ${problem.message}`);
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
  const more = raw.more === undefined ? false : raw.more;
  if (typeof more !== "boolean") throw bad("more is neither true nor false");
  const side = (value, at) => ({
    position: whole(object(value, at).position, `${at}.position`),
    leaf: bytes(value.leaf, `${at}.leaf`),
    proof: proof(value.proof, `${at}.proof`),
  });
  return {
    vkey: string(raw.vkey, "vkey"),
    checkpoint: string(raw.checkpoint, "checkpoint"),
    key: hash(raw.key, "key"),
    segments: list(raw.segments, "segments").map((one, place, all) => {
      const at = `segments[${place}]`;
      const index = object(object(one, at).index, `${at}.index`);
      // Of the last segment of a part that another one follows nothing is said: the next one begins in it.
      const goesOn = more && place === all.length - 1;
      if (goesOn && one.absence !== null) throw bad(`${at}.absence is not null`);
      const absence = goesOn ? null : object(one.absence, `${at}.absence`);
      return {
        segment: whole(one.segment, `${at}.segment`),
        first: whole(one.first, `${at}.first`),
        count: whole(one.count, `${at}.count`),
        index: {
          log_index: whole(index.log_index, `${at}.index.log_index`),
          entry: bytes(index.entry, `${at}.index.entry`),
          proof: proof(index.proof, `${at}.index.proof`),
        },
        neighbours: absence && [side(absence.low, `${at}.absence.low`), side(absence.high, `${at}.absence.high`)],
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
        json = object(strictJson(text), at);
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
    more,
    isLater: given(raw.after),
    after: given(raw.after)
      ? {
          seq: whole(object(raw.after, "after").seq, "after.seq"),
          hash: hash(raw.after.hash, "after.hash"),
          from: whole(raw.after.from, "after.from"),
          segment: whole(raw.after.segment, "after.segment"),
          first: whole(raw.after.first, "after.first"),
          count: whole(raw.after.count, "after.count"),
        }
      : BEGINNING,
  };
}

/**
 * JSON that every parser reads alike: no member twice, nothing deeper than MAX_DEPTH, numbers whole and below 2^53, strings
 * of Unicode. JSON.parse does the grammar; then the text's marks are gone through once more.
 */
function strictJson(text) {
  const value = JSON.parse(text);
  const lone = /\p{Surrogate}/u;
  if (lone.test(text)) throw new Error("it is no Unicode");
  /** For each bracket that is open: the names so far in an object, null in a list. */
  const open = [];
  const mark = /["{}[\]]|[-0-9][-+.0-9eE]*/g;
  const colon = /[ \t\n\r]*:/y;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    const [word] = found;
    if (word === '"') {
      let end = text.indexOf('"', mark.lastIndex);
      while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
      mark.lastIndex = end + 1;
      colon.lastIndex = end + 1;
      const isName = colon.test(text);
      const literal = text.slice(found.index, end + 1);
      if (!isName && !literal.includes("\\u")) continue;
      const string = JSON.parse(literal);
      if (lone.test(string)) throw new Error("a string is no Unicode");
      if (!isName) continue;
      const names = open.at(-1);
      if (names.has(string)) throw new Error("a member stands twice");
      names.add(string);
    } else if (word === "{" || word === "[") {
      if (open.push(word === "{" ? new Set() : null) > MAX_DEPTH) throw new Error("it is too deep");
    } else if (word === "}" || word === "]") open.pop();
    else if (!/^(0|[1-9][0-9]{0,15})$/.test(word) || !Number.isSafeInteger(Number(word))) {
      throw new Error("a number is not whole, is negative or too large");
    }
  }
  return value;
}

/** Whether the character at `place` has an odd number of backslashes before it. */
function isEscaped(text, place) {
  let before = place;
  while (text[before - 1] === "\\") before -= 1;
  return (place - before) % 2 === 1;
}

/** Strict base64 (Buffer.from forgives everything), or null. */
function base64(text) {
  const read = Buffer.from(text, "base64");
  return read.toString("base64") === text ? read : null;
}

// ---- signature ----------------------------------------------------------------------------------------------------

function readVkey(text, rule) {
  const parts = /^([^\p{White_Space}\p{Cc}+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/u.exec(text);
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
  if (Buffer.byteLength(note) > MAX_NOTE) throw bad("is too long");
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
  const signed = rest.split("\n");
  if (signed.length > MAX_SIGNATURES) throw bad("has too many signatures");
  const signatures = signed.map((line) => {
    const parts = /^— ([^\p{White_Space}\p{Cc}+]+) ([A-Za-z0-9+/]+=*)$/u.exec(line);
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
  if (typeof policyText !== "string") throw bad("is not text");
  if (Buffer.byteLength(policyText) > MAX_POLICY) throw bad("is too long");
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
  if (witnessed.size + logs.length > MAX_POLICY_NAMES) throw bad("has too many names");
  if (quorum === undefined) throw bad("says nothing of a quorum");
  demand(logs.includes(vkey), "witness", "the policy file does not name this log's key");
  demand(quorum === "none" || witnessed.get(quorum), "witness", "too few witnesses have cosigned this checkpoint");
  return good;
}

function cosigned(witness, note) {
  return note.signatures.some(({ name, id, signature }) => {
    if (name !== witness.name || id !== witness.id || signature.length !== 72) return false;
    const time = signature.readBigUInt64BE(0);
    // The specification's bound.
    if (time >= 1n << 63n) return false;
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

// ---- memory -------------------------------------------------------------------------------------------------------

/** What the caller kept, or null; a thing that cannot be read is no reason to accept. */
function readMine(saved) {
  const mine = saved?.mine;
  if (!given(mine)) return null;
  const at = mine.at ?? {};
  const numbers = [at.seq, at.from, at.segment, at.first, at.count];
  const whole = numbers.every((one) => Number.isSafeInteger(one) && one >= 0);
  const [who, hash] = [mine.who, at.hash].map((one) => (typeof one === "string" ? base64(one) : null));
  demand(whole && who?.length === 32 && hash?.length === 32, "memory", "what you kept of your receipts cannot be read");
  return { who, at: { ...at, hash } };
}

/** The same key as before, and the receipts that were shown before: as many, with the same bytes. */
function checkMemory(bundle, options) {
  const rule = "memory";
  const { after, receipts } = bundle;
  const saved = readMine(options.since);
  const before = readMine(options.after);
  const who = sha256(bundle.key);
  for (const mine of [saved, before]) {
    demand(!mine || mine.who.equals(who), rule, "the bundle is under another key than the one you kept");
  }
  if (given(options.after) || bundle.isLater) {
    const known = given(options.after) ? before : saved;
    demand(bundle.isLater, rule, "this is not the part that follows");
    demand(known, rule, "this is a later part, and you gave none of the earlier ones");
    const goesOn = Object.keys(BEGINNING).every((name) =>
      name === "hash" ? known.at.hash.equals(after.hash) : known.at[name] === after[name],
    );
    demand(goesOn, rule, "this part does not begin where the one before ended");
  }
  if (!saved || saved.at.seq === 0 || saved.at.seq < after.seq) return;
  const place = saved.at.seq - after.seq;
  if (place > receipts.length) {
    demand(bundle.more, rule, "there are fewer receipts than you had");
    return;
  }
  // The rule chain leads from this receipt to all before it.
  const hash = place === 0 ? after.hash : sha256(receipts[place - 1].receipt);
  demand(hash.equals(saved.at.hash), rule, "a receipt is another one than the one you had");
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

function checkFreshness({ segments, after, more }, note) {
  const rule = "freshness";
  const [begin, last] = [segments[0], segments.at(-1)];
  demand(last, rule, "the bundle lists no segment");
  // From the beginning on: a segment that is left out, or whose end is, could hold a receipt that is withheld.
  const begins = begin.segment === after.segment && begin.first === after.first;
  demand(begins, rule, `the first segment that is listed is not segment ${after.segment}`);
  demand(more || last.index.log_index === note.size - 1, rule, "the last index entry is not the checkpoint's last leaf");
  for (let place = 1; place < segments.length; place += 1) {
    const [one, next] = [segments[place - 1], segments[place]];
    const follows = next.segment === one.segment + 1 && next.first === one.index.log_index + 1;
    demand(follows, rule, `segment ${next.segment} does not follow the one before it`);
  }
}

// ---- chain, inclusion, absence ------------------------------------------------------------------------------------

function checkChain({ segments, receipts, after }) {
  const rule = "chain";
  const counts = new Map(segments.map((one) => [one.segment, 0]));
  counts.set(after.segment, after.count);
  let prev = after.hash.toString("base64");
  let segment = -1;
  for (const [place, { receipt, json }] of receipts.entries()) {
    const number = after.seq + place + 1;
    const at = `receipt ${number}`;
    demand(json.v === 1, rule, `${at}: its version is not 1`);
    demand(json.seq === number, rule, `${at}: the number in it is another`);
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

function checkInclusion({ key, segments, receipts, after }, note) {
  const rule = "inclusion";
  const bySegment = new Map(segments.map((one) => [one.segment, one]));
  let before = after.from - 1;
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
  for (const { segment, count, neighbours, index_root: root, index_size: size } of segments) {
    if (neighbours === null) continue; // The end of a part: the next one begins in this segment.
    const [low, high] = neighbours;
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

const USAGE = `usage: node verify.mjs BUNDLE [PART …] [--vkey KEY] [--policy FILE] [--since FILE] [--json]

  BUNDLE         the bundle's file, or - for standard input; of a bundle in parts all of them, in their order
  --vkey KEY     the log's key, as you know it from elsewhere: the bundle must name this one
  --policy FILE  whose cosignatures there must be (C2SP tlog-policy)
  --since FILE   a bundle (its last part) or checkpoint that you verified before: the log must continue it, and of a
                 bundle every receipt must be there again
  --json         the result as JSON

exit code: 0 accepted, 1 refused or a part is missing, 2 the command itself was wrong`;

const MEANS = {
  format: "This is not a bundle, or not of a version that this program knows.",
  key: "It was signed by another log than the one you expect.",
  signature: "The log did not sign this checkpoint.",
  witness: "Too few witnesses vouch for this checkpoint.",
  consistency: "The log's past was changed since you last looked, or this is an old state of it.",
  memory: "It is not yours as you knew it: under another key, or receipts that you had are gone or others.",
  index: "The index of your receipts is not what the log holds.",
  freshness: "Something at the end is left out: the bundle does not reach the end of the log.",
  chain: "A receipt is missing, doubled or in the wrong place.",
  inclusion: "A receipt is not what was written into the log.",
  absence: "There is a further receipt of yours that was not given to you.",
};

/** What is to be kept of an earlier bundle or note, unverified: `since` is what the caller says that they verified. */
function kept(text) {
  const bundle = text.trimStart().startsWith("{") ? readBundle(text) : null;
  const { size, root } = readNote(bundle ? bundle.checkpoint : text);
  return { size, root: root.toString("base64"), mine: bundle?.segments.length ? standing(bundle) : null };
}

/** All parts, each held against the one before; the last result, with what was counted over all. */
function verifyParts(texts, options) {
  let result;
  let sum;
  for (const text of texts) {
    if (sum && !sum.more) return { ok: false, rule: "memory", detail: "a part is given behind the last one" };
    result = verify(text, sum ? { ...options, after: { size: sum.size, root: sum.root, mine: sum.mine } } : options);
    if (!result.ok) return result;
    const kinds = { ...(sum?.kinds ?? {}) };
    for (const [kind, count] of Object.entries(result.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count;
    const [receipts, segments] = [result.receipts + (sum?.receipts ?? 0), result.segments + (sum?.segments ?? 0)];
    sum = { ...result, kinds, receipts, segments, from: sum?.from ?? result.from, to: result.to ?? sum?.to ?? null };
    if (options.since) sum.since = options.since.size;
  }
  return sum;
}

function main(words) {
  const options = {};
  const files = [];
  let asJson = false;
  for (let place = 0; place < words.length; place += 1) {
    const word = words[place];
    if (word === "--json") asJson = true;
    else if (["--vkey", "--policy", "--since"].includes(word) && place + 1 < words.length) {
      place += 1;
      if (word === "--vkey") options.vkey = words[place];
      else if (word === "--policy") options.policyText = decode(readFileSync(words[place]));
      else options.since = kept(decode(readFileSync(words[place])));
    } else if (word === "-" || !word.startsWith("-")) files.push(word);
    else throw new Error(USAGE);
  }
  if (files.length === 0) throw new Error(USAGE);
  const result = verifyParts(files.map((file) => readFileSync(file === "-" ? 0 : file)), options);
  if (asJson) console.log(JSON.stringify(result));
  else if (result.ok) {
    const kinds = Object.entries(result.kinds).map(([kind, count]) => `${count} ${kind}`);
    const all = `${result.receipts} receipts${kinds.length ? ` (${kinds.join(", ")})` : ""}`;
    if (result.more) {
      console.log(`so far good: ${all}, and another part follows: nothing is said of the end without it`);
      const { seq, segment } = result.mine.at;
      console.log(`  fetch it: /privacy/bundle?since=${result.size}&seq=${seq}&segment=${segment}`);
    } else if (result.mine.at.seq > result.receipts) {
      console.log(`accepted: ${all} since the bundle that you verified before, ${result.mine.at.seq} with those; none missing`);
    } else console.log(`accepted: ${all}, none missing`);
    if (result.from) console.log(`  from ${result.from} to ${result.to}`);
    console.log(`  log ${result.origin}, ${result.size} entries`);
    console.log(`  log key: ${result.pinned ? "the one you gave" : "as the bundle names it (give --vkey to pin it)"}`);
    const names = result.witnesses;
    console.log(`  witnesses: ${names === null ? "not asked for (give --policy)" : names.join(", ") || "none needed"}`);
    console.log(`  earlier checkpoint: ${result.since === null ? "none given" : `continues the one of ${result.since} entries`}`);
    const mine = options.since?.mine;
    if (mine) console.log(`  the ${mine.at.seq} receipts that you had before are there as they were, under the same key`);
  } else {
    console.log(`refused (${result.rule}): ${MEANS[result.rule]}\n  ${result.detail}`);
  }
  // A part alone is no whole: only all of them are accepted.
  return result.ok && !result.more ? 0 : 1;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (problem) {
    console.error(problem.message);
    process.exitCode = 2;
  }
}
