// The customer looks at the timeline and verifies the receipts: in the browser, from a saved file, and with a tampered one.

import { readFile } from "node:fs/promises";
import path from "node:path";

import jsonld from "jsonld";

import { verify as verifyInNode } from "../../verifiers/node/verify.mjs";
import { visit } from "./pages.mjs";
import { check, step } from "./report.mjs";

/** Narrows the timeline with its plain form, and looks at what is left. `page` is the privacy page. */
export async function narrow(page, language, scope, artifacts) {
  await step(scope, "the timeline is narrowed to looks: the purchase is not among them", async () => {
    await choose(page, "looks");
    await page.getByText(language.proof.nothingMatches).waitFor();
  });
  await visit(page, "privacy-narrowed", language, artifacts);
  await step(scope, "narrowed to what Messenger was told, the purchase is there with its reason", async () => {
    await choose(page, "told");
    await page.getByText(language.purchase.shown).first().waitFor();
    await page.getByText(language.proof.because).first().waitFor();
  });
  await page.goto(new URL("/privacy", page.url()).href);
}

async function choose(page, kind) {
  await page.locator('select[name="kind"]').selectOption(kind);
  await page.getByRole("search").getByRole("button").click();
  await page.waitForURL((address) => address.searchParams.get("kind") === kind);
}

const DPV = "https://w3id.org/dpv#";

/** A processor of JSON-LD that is not ours finds in it whose consent it is, and to what, without asking anybody. */
async function readAsLinkedData(document) {
  const documentLoader = (url) => Promise.reject(new Error(`it needs ${url}`));
  const [receipt] = await jsonld.expand(document, { documentLoader, safe: true });
  const ids = (node, term) => (node[DPV + term] ?? []).map((value) => value["@id"]);
  const text = (node, term) => node?.[DPV + term]?.[0]?.["@value"];
  const parties = new Map(receipt[DPV + "hasEntity"].map((node) => [node["@id"], node]));
  for (const process of receipt[DPV + "hasProcess"]) {
    const [controller] = ids(process, "hasDataController").map((id) => parties.get(id));
    for (const term of ["hasName", "hasAddress", "hasContact", "hasJurisdiction"]) {
      if (!text(controller, term)) throw new Error(`the controller has no ${term}`);
    }
    const [subject] = ids(process, "hasDataSubject").map((id) => parties.get(id));
    if (!text(subject, "hasIdentifier")) throw new Error("it is nobody's");
    if (ids(process, "hasRecipient").some((id) => !parties.has(id))) throw new Error("a recipient is nobody");
    const terms = [...ids(process, "hasPurpose"), ...ids(process, "hasLegalBasis")];
    if (terms.length < 2 || !terms.every((id) => id?.startsWith(DPV))) throw new Error(`no terms of DPV: ${terms}`);
  }
  const given = receipt[DPV + "hasConsentStatus"][0];
  if (!given["@type"].includes(DPV + "ConsentGiven")) throw new Error(`its first state is ${given["@type"]}`);
}

/** Saves the document of the consent in force, which a machine can read. */
export async function saveConsent(page, language, scope) {
  await step(scope, "the consent is saved as a document", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: language.proof.saveConsent }).first().click(),
    ]);
    if (!download.suggestedFilename().endsWith(".jsonld")) throw new Error(download.suggestedFilename());
    const document = JSON.parse(await readFile(await download.path(), "utf8"));
    await readAsLinkedData(document);
  });
}

/** From the privacy page: verify, download, verify again, the saved file, a tampered one. Ends on the privacy page. */
export async function verifyProof(page, language, scope, artifacts) {
  const home = page.url();
  await step(scope, "the page that verifies opens", async () => {
    await page.getByRole("link", { name: language.proof.verify }).click();
    await page.waitForURL("**/privacy/verify");
  });
  await visit(page, "verify", language, artifacts);

  const verdict = page.locator("#result");
  const mine = page.getByRole("button", { name: language.proof.mine });
  await step(scope, "the customer's own proof fits", async () => {
    await mine.click();
    await verdict.getByText(language.proof.good).waitFor();
    if ((await states(page)).bad.length > 0) throw new Error("a rule is marked as failed");
  });
  await visit(page, "verify-good", language, artifacts);

  await step(scope, "the second time it is held against the first", async () => {
    await page.reload();
    const [answer] = await Promise.all([page.waitForResponse(/privacy\/bundle/), mine.click()]);
    if (!new URL(answer.url()).searchParams.get("since")) throw new Error("the saved checkpoint was not sent");
    await verdict.getByText(language.proof.good).waitFor();
    const { good } = await states(page);
    for (const rule of ["key", "consistency", "memory"]) {
      if (!good.includes(rule)) throw new Error(`${rule} had nothing to compare with`);
    }
  });

  const saved = await step(scope, "the proof is downloaded, and the verifier for Node accepts it, too", async () => {
    await page.goto(home);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: language.proof.download }).click(),
    ]);
    const file = path.join(artifacts, `${scope}-bundle.json`);
    await download.saveAs(file);
    const text = await readFile(file, "utf8");
    const result = verifyInNode(text);
    if (!result.ok || result.receipts === 0) throw new Error(JSON.stringify(result));
    return text;
  });

  await step(scope, "the saved file fits", async () => {
    await page.goto(new URL("/privacy/verify", home).href);
    await chooseFile(page, saved, language);
    await verdict.getByText(language.proof.good).waitFor();
  });

  const [rule, tampered] = withholdLast(saved);
  await step(scope, "a file without its last receipt does not fit, and it is said in plain words why", async () => {
    await chooseFile(page, tampered, language);
    await verdict.getByText(language.proof.bad).waitFor();
    const { bad } = await states(page);
    if (bad.join() !== rule) throw new Error(`failed: ${bad.join()} and not ${rule}`);
    await page.getByText(language.proof.further).waitFor();
  });
  await visit(page, "verify-bad", language, artifacts);

  await step(scope, "the key is shown only to who asks", async () => {
    await page.goto(home);
    const { key } = JSON.parse(saved);
    if ((await page.content()).includes(key)) throw new Error("it is in the page already");
    await page.getByRole("link", { name: language.proof.key }).click();
    await page.getByText(key).waitFor();
  });
  await visit(page, "privacy-key", language, artifacts);
  await page.goto(home);
  check(scope, "the privacy page has no program", (await page.locator("script").count()) === 0 ? null : "it has one");
}

/** Which rules are marked how. */
async function states(page) {
  const all = await page.locator("[data-rule]").evaluateAll((rules) => rules.map((one) => [one.dataset.rule, one.dataset.state]));
  const by = { good: [], bad: [], skip: [], open: [] };
  for (const [rule, state] of all) by[state].push(rule);
  return by;
}

async function chooseFile(page, text, language) {
  await page.locator("#file").setInputFiles({ name: "bundle.json", mimeType: "application/json", buffer: Buffer.from(text) });
  await page.getByRole("button", { name: language.proof.checkFile }).click();
}

/** The bundle without its last receipt, everything else as it would have to be; and the rule that must notice. */
function withholdLast(text) {
  const bundle = JSON.parse(text);
  const last = bundle.receipts.pop();
  const { segment } = JSON.parse(Buffer.from(last.receipt, "base64").toString("utf8"));
  bundle.segments.find((one) => one.segment === segment).count -= 1;
  return ["absence", JSON.stringify(bundle)];
}
