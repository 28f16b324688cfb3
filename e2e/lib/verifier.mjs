// The browser's verifier in this very browser: over the shared vectors and over the cases of verifiers/cases.mjs.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { cases } from "../../verifiers/cases.mjs";
import { loadVectors } from "../../verifiers/vectors.mjs";
import { VERIFY_MS } from "./limits.mjs";
import { check } from "./report.mjs";

const file = (name) => new URL(`../../verifiers/${name}`, import.meta.url);

/** A page that nobody serves: localhost, since browsers give WebCrypto to secure contexts only. */
const ADDRESS = "http://localhost/verifier/";

/** Checks each bundle once; one line for each. */
export async function verifierInBrowser(browser) {
  const source = await readFile(file("browser/verify.js"), "utf8");
  const context = await browser.newContext();
  context.setDefaultTimeout(VERIFY_MS);
  try {
    await context.route(`${ADDRESS}**`, (route) =>
      route.request().url().endsWith(".js")
        ? route.fulfill({ contentType: "text/javascript", body: source })
        : route.fulfill({ contentType: "text/html", body: "<!doctype html><title>verifier</title>" }),
    );
    const page = await context.newPage();
    await page.goto(ADDRESS);
    const all = [
      ...loadVectors(fileURLToPath(file("vectors"))).map((one) => ({ ...one, name: `vector ${one.name}` })),
      ...cases().map((one) => ({ ...one, name: `case ${one.name}` })),
    ];
    for (const { name, text, trust, expect } of all) {
      const result = await page.evaluate(
        async ([address, bundle, options]) => (await import(address)).verify(bundle, options),
        [`${ADDRESS}verify.js`, text, { vkey: trust.vkey, policyText: trust.policy, since: trust.since, after: trust.after }],
      );
      const got = result.ok ? "ok" : (result.rule ?? `unsupported ${result.unsupported}`);
      check("verifier", name, got === expect ? null : `expected ${expect}, got ${got} (${result.detail ?? ""})`);
    }
  } finally {
    await context.close();
  }
}
