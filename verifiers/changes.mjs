// Random changes of the honest vectors, always the same ones. `changes.json` holds them with what every verifier must say of
// each, for the one in Rust to be asked, too (crates/amana-log/tests/it/changes.rs). After a change of the vectors:
//
//   node changes.mjs            writes changes.json anew; the two verifiers here must agree on each

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Numbers below `below`, the same in each run. */
export function randomness(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const WILD = [null, true, -1, 0, 1, 0.5, 2 ** 53, 1e300, "", "AAAA", "\ud800", [], {}, [[]], { proof: 1 }];

function leavesOf(value, path = []) {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.keys(value).flatMap((name) => leavesOf(value[name], [...path, name]))];
}

/** A bundle with one thing changed. */
export function mutate(bundle, random) {
  const paths = leavesOf(bundle).filter((path) => path.length > 0);
  const path = paths[random(paths.length)];
  const parent = path.slice(0, -1).reduce((value, name) => value[name], bundle);
  const name = path.at(-1);
  const value = parent[name];
  const how = random(6);
  if (how === 0) delete parent[name];
  else if (how === 1) parent[name] = WILD[random(WILD.length)];
  else if (how === 2 && Array.isArray(value) && value.length) value.splice(random(value.length), 1);
  else if (how === 2 && Array.isArray(parent)) parent.splice(random(parent.length), 0, value);
  else if (typeof value === "number") parent[name] = value + (random(2) ? 1 : -1);
  else if (typeof value === "string" && value.length) {
    const at = random(value.length);
    const letter = how === 3 ? String.fromCharCode(random(128)) : "ABCDEFGHIJKLMNOPQRSTUVWXYZabc0189+/"[random(35)];
    parent[name] = value.slice(0, at) + letter + value.slice(at + (how === 4 ? 0 : 1));
  } else parent[name] = WILD[random(WILD.length)];
  return bundle;
}

const INSERTED = [" ", "\n", "\t", "0", "1", "-", ".0", "e0", "e1", ",", "{", "}", "[", "]", '"', "\\", "\\u0041", "\u00e9", "\u0000", "\ufeff", "\u00a0", "null,"];

/** A text with something in it that JSON.stringify would not write. */
export function scribble(text, random) {
  const names = [...text.matchAll(/"[a-z_]+":/g)];
  const name = names[random(names.length)];
  const at = random(text.length + 1);
  switch (random(7)) {
    case 0: // A member twice, before or after the honest one.
      return `${text.slice(0, name.index)}${name[0]}${["1", "null", '"x"', "[]"][random(4)]},${text.slice(name.index)}`;
    case 1: { // The same with an escape in its name.
      const escaped = `"\\u${name[0].charCodeAt(1).toString(16).padStart(4, "0")}${name[0].slice(2)}`;
      return text.slice(0, name.index) + (random(2) ? `${escaped}1,${text.slice(name.index)}` : escaped + text.slice(name.index + name[0].length));
    }
    case 2: { // Something that nobody reads, flat or deep.
      const depth = random(20);
      return `${text.slice(0, name.index)}"x${random(3)}":${"[".repeat(depth)}${random(3)}${"]".repeat(depth)},${text.slice(name.index)}`;
    }
    case 3: { // A number written in another way.
      const numbers = [...text.matchAll(/:([0-9]+)/g)];
      const number = numbers[random(numbers.length)];
      const end = number.index + number[0].length;
      return text.slice(0, end) + [".0", "e0", "E+0", "0", ".5", " "][random(6)] + text.slice(end);
    }
    case 4:
      return text.slice(0, at) + text.slice(at + 1 + random(3));
    case 5: {
      const mark = /[{}[\],:"]/.exec(text.slice(at));
      const place = at + (mark ? mark.index : 0);
      return text.slice(0, place) + INSERTED[random(INSERTED.length)] + text.slice(place);
    }
    default:
      return text.slice(0, at) + INSERTED[random(INSERTED.length)] + text.slice(at);
  }
}

const COUNT = 3000;

/** The changes as `[vector, at, drop, insert]`: in the vector's text, `drop` bytes from `at` on give way to `insert`. */
export function changes(vectors) {
  const random = randomness(0x1d872b41);
  const honest = vectors.filter((one) => one.expect === "ok" && Buffer.byteLength(one.text) < 12_000);
  const list = [];
  while (list.length < COUNT) {
    const { name, text } = honest[random(honest.length)];
    const changed = random(2) ? scribble(text, random) : JSON.stringify(mutate(JSON.parse(text), random));
    const [before, after] = [Buffer.from(text), Buffer.from(changed)];
    let at = 0;
    while (at < before.length && before[at] === after[at]) at += 1;
    let tail = 0;
    while (tail < Math.min(before.length, after.length) - at && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
    // Not within a character.
    while (at > 0 && (before[at] & 0xc0) === 0x80) at -= 1;
    while (tail > 0 && ((before[before.length - tail] ?? 0) & 0xc0) === 0x80) tail -= 1;
    const insert = after.subarray(at, after.length - tail).toString();
    if (insert.length < 400) list.push([name, at, before.length - tail - at, insert]);
  }
  return list;
}

/** The text that a change makes. */
export function applied(text, [, at, drop, insert]) {
  const bytes = Buffer.from(text);
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(insert), bytes.subarray(at + drop)]).toString();
}

export const CHANGES = new URL("./changes.json", import.meta.url);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { verify } = await import("./node/verify.mjs");
  const { loadVectors } = await import("./vectors.mjs");
  const vectors = loadVectors(fileURLToPath(new URL("./vectors", import.meta.url)));
  const byName = new Map(vectors.map((one) => [one.name, one]));
  const lines = changes(vectors).map((change) => {
    const { text, trust } = byName.get(change[0]);
    const options = { vkey: trust.vkey, policyText: trust.policy, since: trust.since, after: trust.after };
    const result = verify(applied(text, change), options);
    return JSON.stringify([...change, result.ok ? "ok" : result.rule]);
  });
  writeFileSync(CHANGES, `[\n${lines.join(",\n")}\n]\n`);
}
