// Amana: verify your own disclosures.
//
// This file is the whole verifier. It needs nothing but a browser: no library, no server, no account. It checks a *bundle*,
// the file that the privacy page gives to a customer, against the public log into which every disclosure was written
// before it happened. Read it from top to bottom; each check carries the name of a rule in docs/disclosure-log.md.
//
// The idea in five sentences. The log is one long list of entries, and a single hash, the *root*, stands for the list:
// change an entry and the root changes. The operator signs the root with the list's length; that is a *checkpoint*. Your
// receipts are hidden in the list: only with your key can one say which entries are yours, and with it you can recompute each
// of them, and prove with a handful of hashes that it is in the list under that root. Your receipts are numbered and chained,
// so that none can be taken from the middle. And so that none can be taken from the end, a sorted index shows that the next
// one, which would have a label that only your key can tell, is not there.
//
// Use it:  import { verify } from "./verify.js";  const result = await verify(text, { vkey, policyText, since });
// `vkey`: the log's key, if you know it from elsewhere. `policyText`: who must have witnessed the checkpoint (C2SP
// tlog-policy). `since`: what you kept of the bundle that you verified last, {size, root, mine}; a bare checkpoint has no
// `mine`. `after`: of a bundle in parts, the same of the part before. It answers, and never throws:
//   {ok: true, …what was found}      {ok: false, rule, detail}      {ok: false, unsupported, detail}
// The last one says nothing of the bundle: this browser cannot do the arithmetic. Where the first one has `more`, another
// part follows, and nothing is said of the end before that is verified, too.

/** The rules, in the order in which they are applied. */
export const RULES = [
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
];

export async function verify(bundleText, options) {
  const lack = await whatThisBrowserLacks();
  if (lack) return { ok: false, unsupported: lack, detail: `this browser has no ${lack}` };

  const { vkey = null, policyText = null, since = null, after = null } = options ?? {};
  const found = { pinned: vkey !== null, witnesses: null, since: null };
  let rule = "format";
  try {
    const bundle = shapeOfBundle(bundleText);

    rule = "key";
    if (vkey !== null) must(`${vkey}`.trim() === bundle.vkey, "the bundle names another log key than the expected one");

    rule = "signature";
    const log = await parseKey(bundle.vkey);
    const checkpoint = parseCheckpoint(bundle.checkpoint);
    await checkSignature(log, checkpoint);

    rule = "witness";
    if (policyText !== null) found.witnesses = await checkWitnesses(policyText, bundle.vkey, checkpoint);

    rule = "consistency";
    found.since = await checkSince(after ?? since, bundle.since, checkpoint);

    rule = "memory";
    await checkMemory(bundle, since, after);

    rule = "index";
    await checkIndexEntries(bundle.segments, checkpoint);

    rule = "freshness";
    checkFreshness(bundle, checkpoint);

    rule = "chain";
    await checkChain(bundle);

    rule = "inclusion";
    const hmac = await hmacWith(bundle.key);
    await checkInclusion(hmac, bundle, checkpoint);

    rule = "absence";
    await checkAbsence(hmac, bundle.segments);

    const said = bundle.receipts.map((one) => one.said);
    return {
      ok: true,
      origin: checkpoint.origin,
      size: checkpoint.size,
      root: toBase64(checkpoint.root),
      vkey: bundle.vkey,
      receipts: said.length,
      kinds: countKinds(said),
      from: timeOf(said[0]),
      to: timeOf(said[said.length - 1]),
      segments: bundle.segments.length,
      mine: await whatWasShown(bundle),
      more: bundle.more,
      ...found,
    };
  } catch (problem) {
    // What was not foreseen refuses, too.
    return { ok: false, rule, detail: String((problem && problem.message) || problem) };
  }
}

/** Whose receipts these are, and up to where they were shown: what the next bundle, or the next part, is held against. */
async function whatWasShown({ key, segments, receipts, begin }) {
  const { segment, first, count } = segments[segments.length - 1];
  const at = { seq: begin.seq + receipts.length, hash: begin.hash, from: begin.from, segment, first, count };
  if (receipts.length > 0) {
    const last = receipts[receipts.length - 1];
    at.hash = toBase64(await sha256(last.bytes));
    at.from = last.logIndex + 1;
  }
  return { who: await whose(key), at };
}

const whose = async (key) => toBase64(await sha256(key));

/** Each check is a sentence that must be true; the sentence given is what is wrong when it is not. */
function must(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

const KINDS = new Set(["disclosure", "outcome", "denial", "consent", "revocation", "erasure", "view", "sighting"]);

function countKinds(receipts) {
  const counts = {};
  for (const { kind } of receipts) {
    const name = KINDS.has(kind) ? kind : "other";
    counts[name] = (counts[name] || 0) + 1;
  }
  return counts;
}

function timeOf(receipt) {
  return receipt && typeof receipt.decided_at === "string" ? receipt.decided_at : null;
}

// === What the browser must be able to do =============================================================================

/** "WebCrypto" or "Ed25519" where that is missing, else null. Ed25519 is tried on the first example of RFC 8032. */
async function whatThisBrowserLacks() {
  const subtle = globalThis.crypto && globalThis.crypto.subtle;
  if (!subtle) return "WebCrypto"; // Old, or the page did not come over https.
  const key = fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = fromHex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
  return (await isSigned(key, new Uint8Array(0), signature)) ? null : "Ed25519";
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

// === Bytes, hashes, signatures =======================================================================================

const utf8 = (text) => new TextEncoder().encode(text);

/** What is in a file, exactly; where it is not UTF-8, a text that is neither a bundle nor a policy file. */
export async function textOf(file) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    return "\u0000";
  }
}

function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Eight bytes, the greatest first. `number` is whole and below 2^53. */
function u64(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** The number in the eight bytes from `at`; what is beyond 2^53 is refused, since no honest number here is that large. */
function readU64(bytes, at) {
  const number = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(at));
  must(Number.isSafeInteger(number), "a number is too large");
  return number;
}

/** Negative, zero or positive: the order of two byte strings. */
function compare(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}

const same = (a, b) => compare(a, b) === 0;

function toBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Base64 of the standard alphabet with its padding, nothing else; null when it is not. */
function fromBase64(text) {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  let binary;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  // Left-over bits in the last letter would give one value two spellings.
  if (btoa(binary) !== text) return null;
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/** A function that computes HMAC-SHA256 under `key`. */
async function hmacWith(key) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (bytes) => new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes));
}

/** Whether `signature` over `message` is good under the Ed25519 `key`. */
async function isSigned(key, message, signature) {
  if (signature.length !== 64) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
  } catch {
    return false;
  }
}

// === The tree (RFC 6962) =============================================================================================
//
// The root of a list of one entry is its leaf hash. A longer list of n entries is split: the greatest power of two below n
// goes to the left, the rest to the right; the root is the hash of the two roots. A proof is the list of the roots
// of those halves in which the entry is *not*, from the smallest to the largest.

const leafHash = (entry) => sha256(join(Uint8Array.of(0), entry));
const nodeHash = (left, right) => sha256(join(Uint8Array.of(1), left, right));

/** The greatest power of two below n (n > 1). */
function split(n) {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The root that a list of `size` entries has if `hash` is leaf number `index`, by `proof`; null when the proof does not fit. */
async function rootByInclusion(hash, index, size, proof) {
  if (size === 1) return proof.length === 0 ? hash : null;
  if (proof.length === 0) return null;
  const k = split(size);
  const sibling = proof[proof.length - 1];
  const rest = proof.slice(0, -1);
  if (index < k) {
    const left = await rootByInclusion(hash, index, k, rest);
    return left && nodeHash(left, sibling);
  }
  const right = await rootByInclusion(hash, index - k, size - k, rest);
  return right && nodeHash(sibling, right);
}

async function isIncluded(entry, index, size, proof, root) {
  if (!(index < size)) return false;
  const computed = await rootByInclusion(await leafHash(entry), index, size, proof);
  return computed !== null && same(computed, root);
}

/**
 * The roots [old, new] that a proof says: of the first `m` entries and of all `n` of them. `known` is the old root where this
 * very subtree is the whole old list, so that the proof need not repeat it. Null when the proof does not fit.
 */
async function rootsByConsistency(m, n, proof, known) {
  if (m === n) {
    if (known) return proof.length === 0 ? [known, known] : null;
    return proof.length === 1 ? [proof[0], proof[0]] : null;
  }
  if (proof.length === 0) return null;
  const k = split(n);
  const sibling = proof[proof.length - 1];
  const rest = proof.slice(0, -1);
  if (m <= k) {
    // The old list lies in the left half; the right half is new.
    const left = await rootsByConsistency(m, k, rest, known);
    return left && [left[0], await nodeHash(left[1], sibling)];
  }
  // The left half belongs to both.
  const right = await rootsByConsistency(m - k, n - k, rest, null);
  return right && [await nodeHash(sibling, right[0]), await nodeHash(sibling, right[1])];
}

// === Rule "format": the bundle's shape ===============================================================================

const LONGEST_BUNDLE = 128 * 1024 * 1024;
const DEEPEST = 16;
const LONGEST_PROOF = 107;

function shapeOfBundle(text) {
  must(typeof text === "string" && utf8(text).length <= LONGEST_BUNDLE, "the bundle is no text, or too long");
  const raw = parseJson(text, "the bundle");
  must(raw.v === 1, "the bundle is of a version that this program does not know");
  const more = raw.more === undefined ? false : raw.more;
  must(more === true || more === false, "more is no yes or no");
  const segments = asList(raw.segments, "segments");
  return {
    vkey: asText(raw.vkey, "vkey"),
    checkpoint: asText(raw.checkpoint, "checkpoint"),
    key: asHash(raw.key, "key"),
    segments: segments.map((one, place) => shapeOfSegment(one, place, more && place === segments.length - 1)),
    receipts: asList(raw.receipts, "receipts").map(shapeOfReceipt),
    since: raw.since === undefined || raw.since === null ? null : shapeOfSince(raw.since),
    ...shapeOfBeginning(raw.after),
    more,
  };
}

/** Where the bundle begins: with the first receipt, or, as a later part, after one that was shown before. */
function shapeOfBeginning(raw) {
  const later = raw !== undefined && raw !== null;
  if (!later) return { later, begin: { seq: 0, hash: toBase64(new Uint8Array(32)), from: 0, segment: 0, first: 0, count: 0 } };
  const begin = { hash: toBase64(asHash(asObject(raw, "after").hash, "after.hash")) };
  for (const name of ["seq", "from", "segment", "first", "count"]) begin[name] = asNumber(raw[name], `after.${name}`);
  return { later, begin };
}

/** `unfinished`: of the last segment of a part that another one follows nothing is said yet. */
function shapeOfSegment(raw, place, unfinished) {
  const name = `segments[${place}]`;
  const { segment, first, count, index, absence } = asObject(raw, name);
  const { log_index: logIndex, entry, proof } = asObject(index, `${name}.index`);
  must(!unfinished || absence === null, `${name}.absence must be null`);
  const { low, high } = unfinished ? {} : asObject(absence, `${name}.absence`);
  return {
    segment: asNumber(segment, `${name}.segment`),
    first: asNumber(first, `${name}.first`),
    count: asNumber(count, `${name}.count`),
    logIndex: asNumber(logIndex, `${name}.index.log_index`),
    entry: asBytes(entry, `${name}.index.entry`),
    proof: asProof(proof, `${name}.index.proof`),
    unfinished,
    low: unfinished ? null : shapeOfIndexLeaf(low, `${name}.absence.low`),
    high: unfinished ? null : shapeOfIndexLeaf(high, `${name}.absence.high`),
  };
}

function shapeOfIndexLeaf(raw, name) {
  const { position, leaf, proof } = asObject(raw, name);
  return {
    position: asNumber(position, `${name}.position`),
    leaf: asBytes(leaf, `${name}.leaf`),
    proof: asProof(proof, `${name}.proof`),
  };
}

function shapeOfReceipt(raw, place) {
  const name = `receipts[${place}]`;
  const { log_index: logIndex, receipt, proof } = asObject(raw, name);
  const bytes = asBytes(receipt, `${name}.receipt`);
  // The receipt's exact bytes are what was logged; what it says is read from them, and they are never written anew.
  const said = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), name);
  for (const field of ["v", "seq", "segment", "n"]) asNumber(said[field], `${name}: ${field}`);
  asText(said.prev, `${name}: prev`);
  return { logIndex: asNumber(logIndex, `${name}.log_index`), bytes, said, proof: asProof(proof, `${name}.proof`) };
}

function shapeOfSince(raw) {
  const { size, root, proof } = asObject(raw, "since");
  return {
    size: asNumber(size, "since.size"),
    root: asHash(root, "since.root"),
    proof: asProof(proof, "since.proof"),
  };
}

/**
 * JSON that every program reads alike. JSON.parse takes the last of two members with one name, where another program takes the
 * first: then one file would say two things. So what could be read in two ways is refused.
 */
function parseJson(text, name) {
  let value;
  try {
    value = JSON.parse(text);
    looked(text, skipBlanks(text, 0), 1);
  } catch (problem) {
    throw new Error(`${name} is not JSON as it must be: ${problem.message}`);
  }
  must(!/\p{Surrogate}/u.test(text), `${name} is no Unicode`);
  return asObject(value, name);
}

/** Looks at the value that begins at `at`, in a text that is JSON; answers where it ends. */
function looked(text, at, depth) {
  const first = text[at];
  if (first === '"') return lookedString(text, at).end;
  if (first !== "{" && first !== "[") {
    const [word] = text.slice(at, at + 400).match(/^[^\s,\]}]*/);
    if (!["true", "false", "null"].includes(word)) {
      must(/^(0|[1-9][0-9]*)$/.test(word) && Number(word) <= Number.MAX_SAFE_INTEGER, "a number is not whole, negative or too large");
    }
    return at + word.length;
  }
  must(depth <= DEEPEST, "it is too deep");
  const names = new Set();
  let place = skipBlanks(text, at + 1);
  while (text[place] !== "}" && text[place] !== "]") {
    if (first === "{") {
      const { string, end } = lookedString(text, place);
      must(!names.has(string), "a member stands twice");
      names.add(string);
      place = skipBlanks(text, skipBlanks(text, end) + 1); // past the colon
    }
    place = skipBlanks(text, looked(text, place, depth + 1));
    if (text[place] === ",") place = skipBlanks(text, place + 1);
  }
  return place + 1;
}

function lookedString(text, at) {
  let end = at + 1;
  let escaped = false;
  while (text[end] !== '"') {
    if (text[end] === "\\") escaped = true;
    end += text[end] === "\\" ? 2 : 1;
  }
  const string = escaped ? JSON.parse(text.slice(at, end + 1)) : text.slice(at + 1, end);
  must(!escaped || !/\p{Surrogate}/u.test(string), "a string is no Unicode");
  return { string, end: end + 1 };
}

function skipBlanks(text, at) {
  let place = at;
  while (text[place] === " " || text[place] === "\n" || text[place] === "\r" || text[place] === "\t") place += 1;
  return place;
}

function asObject(value, name) {
  must(typeof value === "object" && value !== null && !Array.isArray(value), `${name} is no object`);
  return value;
}

function asList(value, name) {
  must(Array.isArray(value), `${name} is no list`);
  return value;
}

function asText(value, name) {
  must(typeof value === "string", `${name} is no text`);
  return value;
}

function asNumber(value, name) {
  must(Number.isSafeInteger(value) && value >= 0, `${name} is no whole number, is negative or too large`);
  return value;
}

function asBytes(value, name) {
  const bytes = fromBase64(asText(value, name));
  must(bytes, `${name} is no base64`);
  return bytes;
}

function asHash(value, name) {
  const bytes = asBytes(value, name);
  must(bytes.length === 32, `${name} is not 32 bytes long`);
  return bytes;
}

function asProof(value, name) {
  must(asList(value, name).length <= LONGEST_PROOF, `${name} is too long`);
  return value.map((hash) => asHash(hash, name));
}

// === Rule "signature": the log signed this checkpoint ================================================================

/** A verifier key `name+id+base64(type ‖ key)`. */
async function parseKey(text) {
  const [name, id, rest, ...more] = text.split("+").length > 3 ? rejoin(text) : text.split("+");
  must(name && id && rest && more.length === 0 && isName(name), "a key cannot be read");
  const bytes = fromBase64(rest);
  must(bytes && bytes.length === 33, "a key cannot be read");
  const digest = await sha256(join(utf8(`${name}\n`), bytes));
  must(id === hex(digest.subarray(0, 4)), "a key's id is not its own");
  return { name, id, type: bytes[0], bytes: bytes.subarray(1) };
}

/** No blank, no control character and no + is in a key's name. */
const isName = (name) => /^[^\p{White_Space}\p{Cc}+]+$/u.test(name);

/** Base64 may have a + of its own: only the first two part the name from the id from the key. */
function rejoin(text) {
  const [name, id, ...rest] = text.split("+");
  return [name, id, rest.join("+")];
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A signed note of three lines: whose log, how many entries, which root. */
function parseCheckpoint(note) {
  const end = note.lastIndexOf("\n\n");
  must(end >= 0 && note.endsWith("\n"), "the checkpoint is no signed note");
  for (const letter of note) must(letter >= " " || letter === "\n", "the checkpoint has control characters");
  must(utf8(note).length <= 128 * 1024, "the checkpoint is too long");
  const text = note.slice(0, end + 1);
  const [origin, size, root, empty, ...more] = text.split("\n");
  must(origin && size && root && empty === "" && more.length === 0, "the checkpoint is not three lines");
  must(String(Number(size)) === size && Number.isSafeInteger(Number(size)) && Number(size) >= 0, "the checkpoint has no size");
  const hash = fromBase64(root);
  must(hash && hash.length === 32, "the checkpoint has no root");
  const lines = note.slice(end + 2, -1).split("\n");
  must(lines.length <= 64, "the checkpoint has too many signatures");
  const signatures = lines.map((line) => {
    const [dash, name, value, ...more] = line.split(" ");
    const bytes = value ? fromBase64(value) : null;
    const reads = dash === "\u2014" && name && isName(name) && bytes && bytes.length > 4 && more.length === 0;
    must(reads, "the checkpoint has a line that is no signature");
    return { name, id: hex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
  });
  return { text: utf8(text), origin, size: Number(size), root: hash, signatures };
}

async function checkSignature(log, checkpoint) {
  must(log.type === 1, "the log's key is no Ed25519 key");
  must(log.name === checkpoint.origin, "the checkpoint's name is not the key's");
  const its = checkpoint.signatures.filter((one) => one.name === log.name && one.id === log.id);
  must(its.length > 0, "the log has not signed this checkpoint");
  for (const one of its) must(await isSigned(log.bytes, checkpoint.text, one.bytes), "the log's signature is not good");
}

// === Rule "witness": others have seen the same =======================================================================

/** Reads a policy file line by line; returns the names of those witnesses whose cosignature is good. */
async function checkWitnesses(policyText, vkey, checkpoint) {
  must(typeof policyText === "string" && utf8(policyText).length <= 128 * 1024, "the policy file is no text, or too long");
  for (const letter of policyText) {
    must((letter >= " " && letter !== "\u007f") || letter === "\n" || letter === "\t", "the policy file has control characters");
  }
  const logs = new Set();
  const known = new Set(); // Every key, to refuse it the second time.
  const seenBy = new Map(); // The name of a witness or group → has it vouched for this checkpoint?
  const inGroup = new Set();
  const vouching = [];
  const quorums = [];

  const takeKey = async (text, type) => {
    const key = await parseKey(text);
    const mark = `${type}:${hex(key.bytes)}`;
    must(key.type === type && !known.has(mark), "the policy file has a key of a wrong type, or one twice");
    known.add(mark);
    return key;
  };
  const takeName = (name, value) => {
    must(name !== "none" && !seenBy.has(name), "the policy file uses a name twice");
    seenBy.set(name, value);
  };
  const readers = {
    async log(key, url, ...more) {
      must(key && more.length === 0, "the policy file has a line that cannot be read");
      await takeKey(key, 1);
      logs.add(key);
    },
    async witness(name, key, url, ...more) {
      must(name && key && more.length === 0, "the policy file has a line that cannot be read");
      const vouches = await hasCosigned(await takeKey(key, 4), checkpoint);
      takeName(name, vouches);
      if (vouches) vouching.push(name);
    },
    group(name, rule, ...members) {
      must(name && rule && members.length > 0, "the policy file has a line that cannot be read");
      for (const member of members) {
        must(seenBy.has(member) && !inGroup.has(member), "the policy file has a group member unknown or used twice");
        inGroup.add(member);
      }
      let needed = Number(rule);
      if (rule === "any") needed = 1;
      else if (rule === "all") needed = members.length;
      else must(/^[1-9][0-9]*$/.test(rule) && needed <= members.length, "the policy file has a group that cannot be met");
      takeName(name, members.filter((member) => seenBy.get(member)).length >= needed);
    },
    quorum(name, ...more) {
      must(name && more.length === 0, "the policy file has a line that cannot be read");
      must(name === "none" || seenBy.has(name), "the policy file's quorum is not one of its names");
      quorums.push(name);
    },
  };

  for (const line of policyText.split("\n")) {
    const [what, ...words] = line.split(/[ \t]+/).filter(Boolean);
    if (what === undefined || what.startsWith("#")) continue;
    must(Object.hasOwn(readers, what), "the policy file has a line that cannot be read");
    await readers[what](...words);
  }
  must(seenBy.size + logs.size <= 256, "the policy file has too many names");
  must(quorums.length === 1, "the policy file must name one quorum");
  must(logs.has(vkey), "the policy file does not name this log");
  must(quorums[0] === "none" || seenBy.get(quorums[0]), "too few witnesses vouch for this checkpoint");
  return vouching;
}

/** A witness signs the checkpoint's text with the time at which it saw it. */
async function hasCosigned(witness, checkpoint) {
  for (const { name, id, bytes } of checkpoint.signatures) {
    if (name !== witness.name || id !== witness.id || bytes.length !== 72) continue;
    const seconds = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
    if (seconds >= 2n ** 63n) continue; // The specification's bound.
    const message = join(utf8(`cosignature/v1\ntime ${seconds}\n`), checkpoint.text);
    if (await isSigned(witness.bytes, message, bytes.subarray(8))) return true;
  }
  return false;
}

// === Rule "consistency": the log only grew ===========================================================================

/** Your own saved checkpoint counts; the bundle's only where you have none. Returns its size, or null without any. */
async function checkSince(own, offered, checkpoint) {
  let saved = offered;
  if (own !== null) {
    const root = typeof own.root === "string" ? fromBase64(own.root) : null;
    must(root && root.length === 32 && Number.isSafeInteger(own.size) && own.size >= 0, "the saved checkpoint cannot be read");
    let proof = null;
    if (own.size === checkpoint.size) proof = [];
    if (offered && offered.size === own.size) proof = offered.proof;
    saved = { size: own.size, root, proof };
  }
  if (saved === null) return null;
  must(saved.size <= checkpoint.size, "the checkpoint is older than the saved one");
  must(saved.proof !== null, "the bundle has no proof from the saved checkpoint to this one");
  if (saved.size === 0) {
    // Everything continues the empty list, whose root is the hash of nothing.
    must(saved.proof.length === 0 && same(saved.root, await sha256(new Uint8Array(0))), "the saved checkpoint is not an empty log's");
    // And the empty list continues itself only.
    must(checkpoint.size > 0 || same(saved.root, checkpoint.root), "the log of the saved checkpoint was changed");
    return 0;
  }
  const roots = await rootsByConsistency(saved.size, checkpoint.size, saved.proof, saved.root);
  must(roots && same(roots[0], saved.root) && same(roots[1], checkpoint.root), "the log of the saved checkpoint was changed");
  return saved.size;
}

// === Rule "memory": you are the same, and what you had is there ======================================================

/** `since` is what you kept of an earlier bundle, `before` of the part before this one. */
async function checkMemory({ key, receipts, begin, later, more }, since, before) {
  const who = await whose(key);
  const kept = since && since.mine ? since.mine : null;
  const part = before && before.mine ? before.mine : null;
  for (const mine of [kept, part]) must(!mine || mine.who === who, "the bundle is under another key than the one before");
  if (before && !later) throw new Error("this is not the part that follows");
  if (later) {
    const from = before ? part : kept;
    must(from, "this is a later part, and none of the earlier ones is known");
    for (const name of Object.keys(begin)) must(from.at[name] === begin[name], "this part does not begin where the one before ended");
  }
  if (!kept || !(kept.at.seq > 0) || kept.at.seq < begin.seq) {
    must(!kept || Number.isSafeInteger(kept.at.seq), "what you kept cannot be read");
    return;
  }
  const shown = kept.at.seq - begin.seq;
  if (shown > receipts.length) {
    must(more, "there are fewer receipts than you had");
    return;
  }
  // From this one the rule "chain" leads to all before it.
  const hash = shown === 0 ? begin.hash : toBase64(await sha256(receipts[shown - 1].bytes));
  must(hash === kept.at.hash, "a receipt is another one than the one you had");
}

// === Rule "index": each segment has an index that covers all of it ===================================================

async function checkIndexEntries(segments, checkpoint) {
  let last = -1;
  for (const one of segments) {
    const name = `segment ${one.segment}`;
    must(one.entry.length === 65 && one.entry[0] === 1, `${name}: this is no index entry`);
    const there = await isIncluded(one.entry, one.logIndex, checkpoint.size, one.proof, checkpoint.root);
    must(there, `${name}: the index entry is not in the log`);
    one.covered = readU64(one.entry, 17);
    one.indexRoot = one.entry.subarray(25, 57);
    one.indexSize = readU64(one.entry, 57);
    must(readU64(one.entry, 1) === one.segment, `${name}: the index entry is of another segment`);
    must(readU64(one.entry, 9) === one.first, `${name}: the index entry says another beginning`);
    must(one.segment > 0 || one.first === 0, `${name}: the first segment does not begin at 0`);
    must(one.covered === one.logIndex - one.first, `${name}: the index does not cover everything before it`);
    must(one.segment > last, `${name}: segments are not in order`);
    last = one.segment;
  }
}

// === Rule "freshness": the bundle reaches to the end of the log ======================================================

function checkFreshness({ segments, begin, more }, checkpoint) {
  must(segments.length > 0, "the bundle lists no segment");
  // From the beginning to the end of the log nothing may be left out: any segment could hold a receipt that is kept from
  // you, or all that there was before your history was begun anew.
  const [first] = segments;
  must(first.segment === begin.segment && first.first === begin.first, `segment ${begin.segment} is not the first one`);
  const end = segments[segments.length - 1];
  must(more || end.logIndex === checkpoint.size - 1, "the last segment's index is not the last entry of the log");
  segments.slice(1).forEach((next, place) => {
    const here = segments[place];
    must(next.segment === here.segment + 1, `segment ${here.segment + 1} is left out`);
    must(next.first === here.logIndex + 1, `segment ${next.segment} does not begin where the one before ends`);
  });
}

// === Rule "chain": your receipts are numbered without a gap, each with the hash of the one before ====================

async function checkChain({ segments, receipts, begin }) {
  const countOf = new Map(segments.map((one) => [one.segment, one.segment === begin.segment ? begin.count : 0]));
  let before = { segment: 0, hash: begin.hash };
  for (let place = 0; place < receipts.length; place += 1) {
    const { said, bytes } = receipts[place];
    const number = begin.seq + place + 1;
    const name = `receipt ${number}`;
    must(said.v === 1, `${name}: it is of an unknown version`);
    must(said.seq === number, `${name}: it bears another number, so one is missing or in the wrong place`);
    must(said.prev === before.hash, `${name}: it was not written after the one before it`);
    must(said.segment >= before.segment, `${name}: its segment is before that of the one before it`);
    must(countOf.has(said.segment), `${name}: its segment is not listed`);
    countOf.set(said.segment, countOf.get(said.segment) + 1);
    must(said.n === countOf.get(said.segment), `${name}: it bears another number within its segment`);
    before = { segment: said.segment, hash: toBase64(await sha256(bytes)) };
  }
  for (const { segment, count } of segments) {
    must(countOf.get(segment) === count, `segment ${segment}: there are more or fewer receipts than it says`);
  }
}

// === Rule "inclusion": each receipt is what was written into the log =================================================

/** HMAC-SHA256(your key, word ‖ segment ‖ n): nobody without your key can tell which entries are yours. */
const derive = (hmac, word, segment, n) => hmac(join(utf8(word), u64(segment), u64(n)));

async function checkInclusion(hmac, { segments, receipts, begin }, checkpoint) {
  const bySegment = new Map(segments.map((one) => [one.segment, one]));
  // All at once, since a browser hashes in the background; then judged in order.
  const there = await Promise.all(
    receipts.map(async ({ said, bytes, logIndex, proof }) => {
      const label = await derive(hmac, "amana/label/v1", said.segment, said.n);
      const blind = await derive(hmac, "amana/blind/v1", said.segment, said.n);
      const commit = await sha256(join(utf8("amana/commit/v1"), blind, bytes));
      const entry = join(Uint8Array.of(0), label, commit);
      return isIncluded(entry, logIndex, checkpoint.size, proof, checkpoint.root);
    }),
  );
  let last = begin.from - 1;
  receipts.forEach(({ said, logIndex }, place) => {
    const name = `receipt ${said.seq}`;
    const { first, covered } = bySegment.get(said.segment);
    must(there[place], `${name}: the log holds something else at its place`);
    must(first <= logIndex && logIndex < first + covered, `${name}: it is not within its segment`);
    must(logIndex > last, `${name}: it is in the log before the one before it`);
    last = logIndex;
  });
}

// === Rule "absence": there is no further receipt of yours ============================================================
//
// The index is sorted. Two entries that are neighbours in it, one below the label of the next receipt and one above,
// leave no room for that receipt.

async function checkAbsence(hmac, segments) {
  for (const { segment, count, low, high, indexRoot, indexSize, unfinished } of segments) {
    if (unfinished) continue; // The end of a part: the next one begins in this segment.
    const name = `segment ${segment}`;
    const next = await derive(hmac, "amana/label/v1", segment, count + 1);
    for (const { leaf, position, proof } of [low, high]) {
      must(leaf.length === 40, `${name}: this is no entry of an index`);
      must(await isIncluded(leaf, position, indexSize, proof, indexRoot), `${name}: an entry is not in the index`);
    }
    must(low.position + 1 === high.position, `${name}: the two entries are no neighbours`);
    const between = compare(low.leaf.subarray(0, 32), next) < 0 && compare(next, high.leaf.subarray(0, 32)) < 0;
    must(between, `${name}: a further receipt of yours is in the log, or it cannot be ruled out`);
  }
}

// === The page ========================================================================================================
//
// Everything above needs no page. What follows belongs to /privacy/verify: it fetches your bundle, or reads the file that you
// choose, verifies it and shows the result rule by rule. It holds no sentence: those stand in the page, hidden until one
// of them is true. It sends nothing anywhere, and remembers in this browser only what the next check needs.

const PLACE = "amana.verify"; // in localStorage

const remember = {
  /** {vkey, size, root, at, seen: {who: up to where}} of the last check that went well, or null. */
  read() {
    try {
      return JSON.parse(localStorage.getItem(PLACE));
    } catch {
      return null; // Storage is switched off, or holds something else.
    }
  },
  write(state) {
    try {
      localStorage.setItem(PLACE, JSON.stringify(state));
    } catch {
      // Then the next check has nothing to compare with, and says so.
    }
  },
  forget() {
    try {
      localStorage.removeItem(PLACE);
    } catch {
      // There is nothing.
    }
  },
};

/** Whose bundle this says it is; null where it cannot be read, which the rule "format" then says. */
async function whoseText(text) {
  try {
    return await whose(fromBase64(JSON.parse(text).key));
  } catch {
    return null;
  }
}

/** What two parts say together. */
function together(before, part) {
  if (!before) return part;
  const kinds = { ...before.kinds };
  for (const [kind, count] of Object.entries(part.kinds)) kinds[kind] = (kinds[kind] || 0) + count;
  const receipts = before.receipts + part.receipts;
  return { ...part, kinds, receipts, from: before.from || part.from, to: part.to || before.to, since: before.since };
}

/** Verifies a bundle part by part; `next(result)` gives the text of the one that follows, or null. */
async function verifyParts(first, options, next) {
  let whole = null;
  for (let text = first; ; ) {
    const after = whole ? { size: whole.size, root: whole.root, mine: whole.mine } : null;
    const part = await verify(text, { ...options, after });
    if (!part.ok) return part;
    const stands = whole && part.more && same(utf8(JSON.stringify(part.mine)), utf8(JSON.stringify(whole.mine)));
    if (stands) return { ok: false, rule: "freshness", detail: "a part of the bundle goes no further than the one before" };
    whole = together(whole, part);
    if (!part.more) return whole;
    text = await next(whole);
    if (text === null) return whole;
  }
}

function attach(root) {
  const language = `${document.documentElement.lang || "en"}-u-nu-latn`;
  const number = new Intl.NumberFormat(language);
  const day = { year: "numeric", month: "short", day: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
  const time = new Intl.DateTimeFormat(language, { ...day, ...clock });
  const all = (selector) => root.querySelectorAll(selector);
  const one = (selector) => root.querySelector(selector);
  const moment = (text) => (Number.isNaN(Date.parse(text)) ? "–" : `${time.format(new Date(text))} UTC`);

  const show = (state) => {
    // The attribute and not the property: a picture (SVG) has no such property.
    for (const element of all("[data-when]")) {
      element.toggleAttribute("hidden", !element.dataset.when.split(" ").includes(state));
    }
  };
  const fill = (name, value) => {
    for (const element of all(`[data-fill="${name}"]`)) element.textContent = value;
    for (const element of all(`[data-with="${name}"]`)) element.hidden = value === "" || value === null;
  };
  const showMemory = () => {
    const saved = remember.read();
    one("#remembered").hidden = !saved;
    one("#remembered-none").hidden = Boolean(saved);
    if (saved) {
      fill("saved-size", number.format(saved.size));
      fill("saved-at", moment(saved.at));
    }
  };

  /** Marks each rule: good, failed, not asked for, or not reached. */
  const showRules = (result) => {
    const failed = result.ok ? null : result.rule;
    let reached = true;
    for (const element of all("[data-rule]")) {
      const { rule } = element.dataset;
      let state = reached ? "good" : "open";
      if (rule === failed) {
        state = "bad";
        reached = false;
      } else if (reached) {
        if (rule === "key" && !result.given.key) state = "skip";
        if (rule === "witness" && !result.given.policy) state = "skip";
        if (rule === "consistency" && result.ok && result.since === null) state = "skip";
        if (rule === "memory" && !result.given.mine) state = "skip";
      }
      element.dataset.state = state;
      for (const text of element.querySelectorAll("[data-is]")) text.hidden = text.dataset.is !== state;
    }
  };

  /** `state`: how a bundle is shown of which every rule holds. */
  const showResult = (result, state) => {
    if (result.unsupported) return show("unsupported");
    showRules(result);
    fill("detail", result.detail || "");
    if (result.ok) {
      fill("receipts", number.format(result.receipts));
      fill("size", number.format(result.size));
      fill("origin", result.origin);
      fill("from", moment(result.from));
      fill("to", moment(result.to));
      fill("witnesses", (result.witnesses || []).join(", "));
      for (const kind of [...KINDS, "other"]) {
        const count = result.kinds[kind] || 0;
        fill(`kind-${kind}`, count ? number.format(count) : "");
      }
      one("#nothing-in-it").hidden = result.receipts > 0;
      one("#something-in-it").hidden = result.receipts === 0;
    }
    show(result.ok ? state : "bad");
    one("#result").focus();
    return undefined;
  };

  /** Verifies; what was given is said with the result. */
  const judge = async (text, options, next) => {
    const result = await verifyParts(text, options, next);
    result.given = { key: options.vkey !== null, policy: options.policyText !== null };
    result.given.mine = Boolean(options.since && options.since.mine);
    return result;
  };
  const placeOf = ({ size, mine: { at } }) => `since=${size}&seq=${at.seq}&segment=${at.segment}`;
  let accept = () => {};

  const checkMine = async () => {
    show("busy");
    const saved = remember.read();
    const where = one("#mine").dataset.bundle;
    const get = (address) => fetch(address, { credentials: "same-origin", cache: "no-store", redirect: "error" });
    let answer;
    try {
      answer = await get(saved ? `${where}?since=${encodeURIComponent(saved.size)}` : where);
      // A log that is shorter than the saved one cannot prove that it continues it: take what it says, and judge that.
      if (saved && !answer.ok && ![401, 403, 410].includes(answer.status)) answer = await get(where);
    } catch {
      return show("offline");
    }
    if ([401, 403, 410].includes(answer.status)) return show("stranger");
    if (!answer.ok) return show("offline");
    const text = await textOf(answer);
    const seen = (saved && saved.seen) || {};
    const who = await whoseText(text);
    const known = Object.hasOwn(seen, who) ? { who, at: seen[who] } : null;
    const since = saved ? { size: saved.size, root: saved.root, mine: known } : null;
    const options = { vkey: saved ? saved.vkey : null, policyText: await chosen("#policy"), since };
    let result;
    try {
      result = await judge(text, options, async (so) => {
        const part = await get(`${where}?${placeOf(so)}`);
        if (!part.ok) throw new Error("the next part did not come");
        return textOf(part);
      });
    } catch {
      return show("offline");
    }
    accept = () => {
      const { vkey, size, root: hash, mine } = result;
      remember.write({ vkey, size, root: hash, at: new Date().toISOString(), seen: { ...seen, [mine.who]: mine.at } });
      showMemory();
    };
    // A key that this browser never saw, where it saw another: everything may fit, and be a history that was begun anew.
    // Only a person can know, and nothing of it is remembered before they say so.
    const another = !known && Object.keys(seen).length > 0;
    if (result.ok && !another) accept();
    showMemory();
    return showResult(result, another ? "another" : "good");
  };

  /** The text of the file that was chosen, or null. */
  const chosen = async (selector) => {
    const [file] = one(selector).files;
    return file ? textOf(file) : null;
  };

  /** Where the part in `text` begins, for the order of several. */
  const beginning = (text) => {
    try {
      const { after } = JSON.parse(text);
      return after ? [after.seq, after.segment] : [0, 0];
    } catch {
      return [0, 0];
    }
  };

  const checkFile = async () => {
    const texts = await Promise.all(Array.from(one("#file").files, textOf));
    if (texts.length === 0) return show("nofile");
    show("busy");
    const placed = texts.map((text) => ({ text, at: beginning(text) }));
    placed.sort((a, b) => a.at[0] - b.at[0] || a.at[1] - b.at[1]);
    const vkey = one("#vkey").value.trim() || null;
    const options = { vkey, policyText: await chosen("#policy"), since: null };
    const [first, ...rest] = placed.map(({ text }) => text);
    const result = await judge(first, options, async () => (rest.length ? rest.shift() : null));
    if (result.ok && rest.length) Object.assign(result, { ok: false, rule: "memory", detail: "a file is no part of this proof" });
    if (result.ok && result.more) one("#next-part").href = `${one("#mine").dataset.bundle}?${placeOf(result)}`;
    return showResult(result, result.more ? "part" : "good");
  };

  one("#mine").addEventListener("click", checkMine);
  one("#file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    checkFile();
  });
  one("#accept").addEventListener("click", () => {
    accept();
    show("good");
    one("#result").focus();
  });
  one("#forget").addEventListener("click", () => {
    remember.forget();
    showMemory();
  });
  show("idle");
  showMemory();
  root.hidden = false;
}

const verifyPage = globalThis.document ? document.getElementById("verify") : null;
if (verifyPage) attach(verifyPage);
