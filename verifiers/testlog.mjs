// A tiny disclosure log in memory, for the tests of the verifiers: slow, simple, and written from docs/disclosure-log.md
// like they are. It makes honest bundles, and, where a test asks for it, dishonest logs.

import { createHash, createHmac, createPrivateKey, createPublicKey, sign } from "node:crypto";

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const b64 = (bytes) => bytes.toString("base64");

/** The root of `leaves` (RFC 6962 §2.1, word by word). */
export function root(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.from([0]), leaves[0]);
  const k = split(leaves.length);
  return sha256(Buffer.from([1]), root(leaves.slice(0, k)), root(leaves.slice(k)));
}

function split(n) {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** RFC 6962 §2.1.1. */
export function path(m, leaves) {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...path(m, leaves.slice(0, k)), root(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), root(leaves.slice(0, k))];
}

/** RFC 6962 §2.1.2. */
export function consistency(m, leaves, whole = true) {
  if (m === 0) return [];
  if (m === leaves.length) return whole ? [] : [root(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...consistency(m, leaves.slice(0, k), whole), root(leaves.slice(k))]
    : [...consistency(m - k, leaves.slice(k), false), root(leaves.slice(0, k))];
}

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A signer of notes from a 32-byte seed: type 1 a log's, type 4 a witness's. */
export function signer(name, word, type = 1) {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, sha256(word)]), format: "der", type: "pkcs8" });
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  const typed = Buffer.concat([Buffer.from([type]), raw]);
  const id = sha256(`${name}\n`, typed).subarray(0, 4);
  return {
    name,
    vkey: `${name}+${id.toString("hex")}+${b64(typed)}`,
    line(text, time = 1_790_000_000) {
      const head = type === 4 ? u64(time) : Buffer.alloc(0);
      const message = type === 4 ? `cosignature/v1\ntime ${time}\n${text}` : text;
      return `— ${name} ${b64(Buffer.concat([id, head, sign(null, Buffer.from(message, "utf8"), key)]))}\n`;
    },
  };
}

export const derive = (key, word, s, n) => createHmac("sha256", key).update(word).update(u64(s)).update(u64(n)).digest();

/** Canonical JSON of flat values, lists and one level of objects: enough for receipts. */
const canonical = (value) =>
  JSON.stringify(value, (_, one) =>
    one && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

export class TestLog {
  constructor(name = "log.example/amana") {
    this.signer = signer(name, `seed of ${name}`);
    this.entries = [];
    /** What is known of each index entry in the log: segment, first, log_index, the index's leaves. */
    this.indexes = [];
    this.segment = 0;
    this.first = 0;
    /** Of this segment: [label, log index]. */
    this.labels = [];
    this.customers = new Map();
    this.minute = 0;
  }

  customer(word) {
    let one = this.customers.get(word);
    if (!one) {
      one = { key: sha256(`key of ${word}`), receipts: [], n: new Map() };
      this.customers.set(word, one);
    }
    return one;
  }

  /** Appends a receipt of the customer `word`. */
  receipt(word, kind = "disclosure", { hide = false } = {}) {
    const customer = this.customer(word);
    const before = customer.receipts.at(-1)?.bytes;
    const n = (customer.n.get(this.segment) ?? 0) + 1;
    customer.n.set(this.segment, n);
    this.minute += 1;
    const bytes = Buffer.from(
      canonical({
        v: 1,
        seq: customer.receipts.length + 1,
        prev: b64(before ? sha256(before) : Buffer.alloc(32)),
        segment: this.segment,
        n,
        kind,
        institution: "first",
        agreement: "agreement-1",
        consent: { hash: "00", id: "c" },
        purpose: kind === "disclosure" ? "purchase-updates" : null,
        clusters: ["transactions"],
        channel: "messenger",
        recipient: "customer",
        form: "detail",
        template: "purchase",
        payload_sha256: sha256(`payload ${this.minute}`).toString("hex"),
        policy_set_sha256: null,
        decided_at: new Date(1_790_000_000_000 + this.minute * 60_000).toISOString().replace(".000Z", "Z"),
      }),
      "utf8",
    );
    const label = derive(customer.key, "amana/label/v1", this.segment, n);
    const blind = derive(customer.key, "amana/blind/v1", this.segment, n);
    const entry = Buffer.concat([Buffer.from([0]), label, sha256("amana/commit/v1", blind, bytes)]);
    customer.receipts.push({ segment: this.segment, n, bytes, log_index: this.entries.length });
    // A log that hides an entry from its index is what auditors catch; a customer's bundle cannot show it.
    if (!hide) this.labels.push([label, this.entries.length]);
    this.entries.push(entry);
  }

  rule(text) {
    this.entries.push(Buffer.concat([Buffer.from([2]), sha256(text)]));
  }

  /** The index entry, which covers everything before it in its segment. */
  index() {
    const last = u64(0xffffffffffffffffn);
    const leaves = [
      Buffer.concat([Buffer.alloc(32, 0), last]),
      ...this.labels.map(([label, at]) => Buffer.concat([label, u64(at)])),
      Buffer.concat([Buffer.alloc(32, 255), last]),
    ].sort(Buffer.compare);
    const log_index = this.entries.length;
    const numbers = [this.segment, this.first, log_index - this.first].map(u64);
    const entry = Buffer.concat([Buffer.from([1]), ...numbers, root(leaves), u64(leaves.length)]);
    this.indexes.push({ segment: this.segment, first: this.first, log_index, entry, leaves });
    this.entries.push(entry);
    return this.entries.length;
  }

  /** Ends the segment. */
  cut() {
    this.index();
    this.segment += 1;
    this.first = this.entries.length;
    this.labels = [];
  }

  /** A signed checkpoint of the first `size` entries, with the cosignatures of `witnesses`. */
  checkpoint(size, witnesses = []) {
    const text = `${this.signer.name}\n${size}\n${b64(root(this.entries.slice(0, size)))}\n`;
    return `${text}\n${this.signer.line(text)}${witnesses.map((one) => one.line(text)).join("")}`;
  }

  saved(size) {
    return { size, root: b64(root(this.entries.slice(0, size))) };
  }

  /** The bundle of `word` at the checkpoint of `size` entries, whose last must be an index entry. */
  bundle(word, { size = this.entries.length, since = null, witnesses = [], receipts } = {}) {
    const { key, receipts: all } = this.customer(word);
    const given = receipts ?? all.filter((one) => one.log_index < size);
    const leaves = this.entries.slice(0, size);
    const latest = new Map();
    for (const one of this.indexes) if (one.log_index < size) latest.set(one.segment, one);
    const open = Math.max(...latest.keys());
    const segments = [...latest.values()]
      .map((one) => {
        const count = given.filter((receipt) => receipt.segment === one.segment).length;
        const next = derive(key, "amana/label/v1", one.segment, count + 1);
        let high = one.leaves.findIndex((leaf) => leaf.subarray(0, 32).compare(next) >= 0);
        high = Math.max(high, 1);
        const side = (position) => ({
          position,
          leaf: b64(one.leaves[position]),
          proof: path(position, one.leaves).map(b64),
        });
        return {
          segment: one.segment,
          first: one.first,
          count,
          index: { log_index: one.log_index, entry: b64(one.entry), proof: path(one.log_index, leaves).map(b64) },
          absence: { low: side(high - 1), high: side(high) },
        };
      });
    return {
      v: 1,
      vkey: this.signer.vkey,
      checkpoint: this.checkpoint(size, witnesses),
      key: b64(key),
      segments,
      receipts: given.map((one) => ({
        log_index: one.log_index,
        receipt: b64(one.bytes),
        proof: path(one.log_index, leaves).map(b64),
      })),
      since:
        since === null
          ? null
          : { ...this.saved(since), proof: consistency(since, leaves).map(b64) },
    };
  }
}
