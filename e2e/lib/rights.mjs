// The customer takes everything along, and then has it erased. Ends on a page that says that it is done.

import { readFile } from "node:fs/promises";

import { verify as verifyInNode } from "../../verifiers/node/verify.mjs";
import { visit } from "./pages.mjs";
import { step } from "./report.mjs";

/** `page` is the privacy page. */
export async function exportAndErase(page, language, scope, artifacts) {
  await step(scope, "everything is taken along, with its proof", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: language.rights.takeAll }).click(),
    ]);
    if (!/^amana-\d{4}-\d{2}-\d{2}\.json$/.test(download.suggestedFilename())) throw new Error(download.suggestedFilename());
    const taken = JSON.parse(await readFile(await download.path(), "utf8"));
    if (taken.schema !== "amana/export/v1") throw new Error(`its schema is ${taken.schema}`);
    const said = JSON.stringify(taken.receipts.map((receipt) => receipt.message?.said ?? null));
    if (!language.purchase.shown.test(said)) throw new Error("what was said of the purchase is not in it");
    const judged = verifyInNode(JSON.stringify(taken.proof));
    if (!judged.ok) throw new Error(`its proof does not verify: ${judged.rule}`);
  });

  await step(scope, "erasing asks once more", async () => {
    await page.getByRole("button", { name: language.rights.erase }).click();
    await page.getByRole("heading", { name: language.rights.question }).waitFor();
  });
  await visit(page, "erase", language, artifacts);
  await step(scope, "who thinks better of it is back, and nothing is gone", async () => {
    await page.getByRole("link", { name: language.rights.keep }).click();
    await page.getByText(language.purchase.shown).first().waitFor();
    await page.getByRole("button", { name: language.rights.erase }).click();
    await page.getByRole("heading", { name: language.rights.question }).waitFor();
  });
  await step(scope, "everything is erased", async () => {
    await page.getByRole("button", { name: language.rights.go }).click();
    await page.getByRole("heading", { name: language.rights.done }).waitFor();
  });
  await visit(page, "erased", language, artifacts);
  await step(scope, "nobody is signed in any more", async () => {
    await page.goto(new URL("/privacy", page.url()).href);
    if ((await page.getByText(language.purchase.shown).count()) > 0) throw new Error("the timeline is still there");
  });
}
