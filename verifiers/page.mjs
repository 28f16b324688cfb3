// The page /privacy/verify without a browser: the program attached to a document of a few lines, a gateway that answers with
// bundles, and the browser's memory. What a person would see is the state that is shown, and how each rule is marked.

import { readFileSync } from "node:fs";

import { RULES } from "./node/verify.mjs";
import { TestLog } from "./testlog.mjs";

const source = readFileSync(new URL("./browser/verify.js", import.meta.url), "utf8");
const STATES = ["idle", "busy", "good", "bad", "another", "part", "stranger", "offline", "nofile", "unsupported"];

class Element {
  dataset = {};
  hidden = false;
  value = "";
  files = [];
  listeners = {};
  addEventListener(what, listener) {
    this.listeners[what] = listener;
  }
  toggleAttribute(_, on) {
    this.hidden = on;
  }
  querySelectorAll() {
    return [];
  }
  focus() {}
}

/** A page of its own; `memory` outlives it. `answers` gives the text of each address that is fetched. */
let pages = 0;
async function open(memory, answers) {
  const made = new Map();
  const named = (selector) => made.get(selector) ?? made.set(selector, new Element()).get(selector);
  const marked = (name, values) => values.map((value) => Object.assign(new Element(), { dataset: { [name]: value } }));
  const [states, rules] = [marked("when", STATES), marked("rule", RULES)];
  const root = new Element();
  root.querySelector = named;
  root.querySelectorAll = (selector) =>
    ({ "[data-when]": states, "[data-rule]": rules })[selector] ?? (selector.startsWith("[data-fill") ? [named(selector)] : []);
  named("#mine").dataset.bundle = "/privacy/bundle";
  const fetched = [];
  globalThis.document = { documentElement: { lang: "en" }, getElementById: () => root };
  globalThis.localStorage = { getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => memory.set(key, value), removeItem: (key) => memory.delete(key) };
  globalThis.fetch = async (address) => {
    fetched.push(address);
    const text = answers(address, fetched.length);
    return { ok: text !== null, status: text === null ? 503 : 200, arrayBuffer: async () => new TextEncoder().encode(text).buffer };
  };
  pages += 1;
  await import(`data:text/javascript;base64,${Buffer.from(`${source}\n// ${pages}`).toString("base64")}`);
  delete globalThis.document;
  const press = async (name, what = "click") => {
    named(name).listeners[what]({ preventDefault() {} });
    // The program answers in its own time; nothing is shown as done before it is.
    for (let turn = 0; turn < 400; turn += 1) {
      await new Promise((done) => setTimeout(done, 5));
      if (states.find((one) => one.dataset.when === "busy").hidden) break;
    }
    return states.filter((one) => !one.hidden).map((one) => one.dataset.when).join();
  };
  const rule = (name) => rules.find((one) => one.dataset.rule === name).dataset.state;
  const choose = (texts) => (named("#file").files = texts.map((text) => ({ arrayBuffer: async () => new TextEncoder().encode(text).buffer })));
  return { press, rule, choose, fetched, named };
}

/** Runs all; `check(scope, what, problem)` says what is wrong, or null. */
export async function checkPage(check, vectors) {
  const expect = (what, found, wanted) =>
    check("page", what, JSON.stringify(found) === JSON.stringify(wanted) ? null : `${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  const saidOf = async (page, name, what) => [await page.press(name, what), page.rule("memory")];
  const log = new TestLog();
  log.receipt("alice", "consent");
  log.receipt("bob", "consent");
  log.receipt("alice");
  log.index();
  const size = (address) => Number(new URL(address, "https://x").searchParams.get("since")) || null;
  const of = (who) => (address) => JSON.stringify(log.bundle(who, { since: size(address) }));

  const memory = new Map();
  expect("the first look has nothing to compare with", await saidOf(await open(memory, of("alice")), "#mine"), ["good", "skip"]);
  log.receipt("alice");
  log.index();
  expect("the second finds what was there", await saidOf(await open(memory, of("alice")), "#mine"), ["good", "good"]);

  const stranger = await open(memory, of("bob"));
  expect("another key is said, and under no green result", await saidOf(stranger, "#mine"), ["another", "skip"]);
  expect("and again the next time", await saidOf(await open(memory, of("bob")), "#mine"), ["another", "skip"]);
  expect("who knows why says so", await stranger.press("#accept"), "good");
  expect("then both are known", await saidOf(await open(memory, of("bob")), "#mine"), ["good", "good"]);
  expect("the first one still", await saidOf(await open(memory, of("alice")), "#mine"), ["good", "good"]);

  const anew = new TestLog();
  anew.receipt("alice", "consent");
  anew.index();
  const fewer = JSON.parse(memory.get("amana.verify"));
  memory.set("amana.verify", JSON.stringify({ ...fewer, size: 0, root: anew.saved(0).root }));
  const begun = await open(memory, (address) => JSON.stringify(anew.bundle("alice", { since: size(address) ?? 0 })));
  expect("fewer receipts than were seen do not fit", await saidOf(begun, "#mine"), ["bad", "bad"]);

  const parts = ["part-first", "part-middle", "part-last"].map((name) => vectors.find((one) => one.name === name).text);
  const inParts = await open(new Map(), (_, number) => parts[number - 1]);
  expect("a proof in parts is fetched to its end", [await inParts.press("#mine"), inParts.fetched.length], ["good", 3]);
  expect("and counted over all", inParts.named('[data-fill="receipts"]').textContent, "6");
  expect("the next part is asked for by place alone", /\?since=\d+&seq=2&segment=\d+$/.test(inParts.fetched[1]), true);
  const stuck = await open(new Map(), () => parts[0]);
  expect("a part twice is refused", await stuck.press("#mine"), "bad");
  const away = await open(new Map(), (_, number) => (number === 1 ? parts[0] : null));
  expect("a part that does not come is no result", await away.press("#mine"), "offline");

  const files = await open(new Map(), () => null);
  files.choose([parts[2], parts[0], parts[1]]);
  expect("files are taken in their order", await files.press("#file-form", "submit"), "good");
  files.choose([parts[0]]);
  expect("a part alone is no whole", await files.press("#file-form", "submit"), "part");
  expect("and says where the next one is", /^\/privacy\/bundle\?since=\d+&seq=2&segment=\d+$/.test(files.named("#next-part").href), true);
  files.choose([parts[0], parts[2]]);
  expect("a part left out is refused", await files.press("#file-form", "submit"), "bad");
  files.choose([]);
  expect("no file is asked for", await files.press("#file-form", "submit"), "nofile");
}
