// Runs both verifiers over all vectors, over the cases made here, and over thousands of random changes of an honest bundle:
// each must say what is expected, both must say the same, and neither may throw.
//
//   node test.mjs            needs Node 20 (the browser's verifier uses WebCrypto's Ed25519)
//
// Prints `ok SCOPE what` and `not ok SCOPE what: why`, as the browser story does. Exit code 1 when any check failed.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { cases } from "./cases.mjs";
import { CHANGES, applied, changes, mutate, randomness, scribble } from "./changes.mjs";
import { verify as node } from "./node/verify.mjs";
import { checkPage } from "./page.mjs";
import { loadVectors } from "./vectors.mjs";

// The browser's file is named .js for browsers; here its text is imported as the module that it is.
const source = readFileSync(new URL("./browser/verify.js", import.meta.url));
const { verify: browser, textOf } = await import(`data:text/javascript;base64,${source.toString("base64")}`);

let failures = 0;
function check(scope, what, problem) {
  if (problem) failures += 1;
  console.log(problem ? `not ok ${scope} ${what}: ${problem}` : `ok ${scope} ${what}`);
}

const said = (result) => (result.ok ? "ok" : result.rule ?? `unsupported ${result.unsupported}`);
const options = (trust) => ({ vkey: trust.vkey, policyText: trust.policy, since: trust.since, after: trust.after });

async function both(text, trust) {
  return { node: node(text, options(trust)), browser: await browser(text, options(trust)) };
}

async function hold(scope, { name, text, trust, expect }) {
  const results = await both(text, trust);
  for (const [which, result] of Object.entries(results)) {
    const got = said(result);
    check(`${scope}-${which}`, name, got === expect ? null : `expected ${expect}, got ${got} (${result.detail ?? ""})`);
  }
  // What they found must be the same, too; the browser's also repeats the key.
  const { vkey, ...rest } = results.browser;
  if (results.node.ok && results.browser.ok) {
    const sorted = (value) => JSON.stringify(Object.entries(value).sort());
    if (sorted(rest) !== sorted(results.node)) check(`${scope}-both`, name, `${sorted(rest)} and ${sorted(results.node)}`);
  }
}

// A file is read as it stands: what is not UTF-8 is not mended, a byte order mark is not taken off.
{
  const good = Buffer.from(JSON.stringify({ v: 1, "\u00e9": 0 }), "utf8");
  const broken = Buffer.from(good.map((byte) => (byte === 0xc3 ? 0xff : byte)));
  const marked = Buffer.concat([Buffer.from("\ufeff", "utf8"), good]);
  for (const [what, bytes, why] of [
    ["not-utf-8", broken, /not UTF-8|not the JSON/],
    ["byte-order-mark", marked, /not the JSON/],
  ]) {
    const by = { node: node(bytes), browser: await browser(await textOf(new Blob([bytes]))) };
    check("bytes-node", what, by.node.rule === "format" && why.test(by.node.detail) ? null : JSON.stringify(by.node));
    check("bytes-browser", what, by.browser.rule === "format" ? null : JSON.stringify(by.browser));
    const policy = await textOf(new Blob([Buffer.concat([Buffer.from("quorum none\n# "), bytes])]));
    const strict = what === "not-utf-8" ? policy === "\u0000" : policy.includes("\ufeff");
    check("bytes-browser", `policy-${what}`, strict ? null : JSON.stringify(policy));
  }
}

const vectors = loadVectors(fileURLToPath(new URL("./vectors", import.meta.url)));
for (const vector of vectors) await hold("vector", vector);
const made = cases();
for (const one of made) await hold("case", one);

// Random changes, always the same ones. A changed bundle may still be good (a name that nobody reads, say): then both must
// accept it and have found the same.
const random = randomness(0x2545f491);
const ROUNDS = 2000;
const honest = made.filter((one) => one.expect === "ok");
const tally = {};
const disagreements = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const { text, trust } = honest[random(honest.length)];
  const changed = round % 3 ? JSON.stringify(mutate(JSON.parse(text), random)) : scribble(text, random);
  try {
    const results = await both(changed, trust);
    const [a, b] = [said(results.node), said(results.browser)];
    tally[a] = (tally[a] ?? 0) + 1;
    const differ = a !== b || (results.node.ok && results.node.receipts !== results.browser.receipts);
    if (differ) disagreements.push(`round ${round}: node ${a} (${results.node.detail}), browser ${b} (${results.browser.detail})`);
  } catch (error) {
    disagreements.push(`round ${round} threw: ${error.stack}`);
  }
}
check("random", `${ROUNDS} changed bundles: both verifiers say the same`, disagreements.slice(0, 3).join("; ") || null);
const missed = ["format", "signature", "consistency", "index", "freshness", "chain", "inclusion", "absence"].filter((rule) => !tally[rule]);
check("random", "the changes reach every rule", missed.length ? `none was refused by ${missed.join(", ")}` : null);

// The changes on which the verifier in Rust is asked, too: these are they, and what is written of each is what both say here.
const written = JSON.parse(readFileSync(CHANGES, "utf8"));
const fresh = changes(vectors);
const same = written.length === fresh.length && fresh.every((one, at) => one.every((part, place) => part === written[at][place]));
check("changes", "changes.json is as changes.mjs makes it", same ? null : "write it anew: node changes.mjs");
const byName = new Map(vectors.map((one) => [one.name, one]));
const against = [];
for (const change of written) {
  const { text, trust } = byName.get(change[0]);
  const results = await both(applied(text, change), trust);
  const [a, b, expect] = [said(results.node), said(results.browser), change[4]];
  if (a !== expect || b !== expect) against.push(`${JSON.stringify(change).slice(0, 200)}: node ${a}, browser ${b}`);
}
check("changes", `both verifiers say of ${written.length} changes what is written`, against.slice(0, 3).join("; ") || null);

// Text that is no bundle at all.
const junk = [];
for (let round = 0; round < 500; round += 1) {
  const text = String.fromCharCode(...Array.from({ length: random(80) }, () => random(300)));
  const results = await both(text, { policy: text, vkey: text });
  if (said(results.node) !== "format" || said(results.browser) !== "format") junk.push(JSON.stringify(text));
}
check("random", "500 texts that are no bundle are refused as format", junk[0] ?? null);
for (const value of [undefined, null, 7, {}, Symbol("x")]) {
  for (const odd of [undefined, null, 7, { since: 3 }, { vkey: {} }]) {
    const results = { node: node(value, odd), browser: await browser(value, odd) };
    const right = said(results.node) === "format" && said(results.browser) === "format";
    if (!right) check("random", `${String(value)} with ${JSON.stringify(odd)}`, JSON.stringify(results));
  }
}

await checkPage(check, vectors);

if (vectors.length === 0) console.log("# verifiers/vectors/ has no index.json yet");
console.log(`# ${vectors.length} vectors, ${made.length} cases; random changes: ${JSON.stringify(tally)}`);
process.exitCode = failures === 0 ? 0 : 1;
