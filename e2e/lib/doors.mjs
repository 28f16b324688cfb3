// The pages that the story itself does not pass: what the bank has now, renewal, and whatever somebody sees who comes
// without a session, with an address that is over, or with one that never was.

import { APPEAR_MS } from "./limits.mjs";
import { another, firstVisible, tappable, visit, watchOrigins } from "./pages.mjs";
import { check, step } from "./report.mjs";

/** From the privacy page to what else is behind it. Ends on the privacy page. */
export async function behindPrivacy(page, language, scope, artifacts) {
  const home = page.url();
  await step(scope, "what the bank has now is shown, account by account", async () => {
    await page.goto(new URL("/privacy/accounts", home).href);
    await page.getByRole("heading", { name: language.doors.accounts }).waitFor();
  });
  await visit(page, "accounts", language, artifacts);
  await step(scope, "a consent that ends soon can be renewed, and the page says what would go on", async () => {
    await page.goto(new URL("/privacy", home).href);
    await (await tappable(page, language.doors.renew, APPEAR_MS)).click();
    await page.getByRole("heading", { name: language.doors.renewing }).waitFor();
  });
  await visit(page, "renew", language, artifacts);
  await page.goto(new URL("/privacy", home).href);
}

/** Somebody with no session: the bank's sign-in leads to the privacy page; other addresses say what they are. */
export async function fromOutside(browser, demo, language, scope, artifacts) {
  const context = await another(browser, language);
  const strangers = watchOrigins(context, demo.gateway);
  try {
    const page = await context.newPage();
    const at = (path) => new URL(path, demo.gateway).href;
    const past = new URLSearchParams({ t: "A".repeat(43), bank: "cedar-bank" });
    const doors = [
      ["home", "/", null],
      ["link-done", "/link/done", language.doors.done],
      ["link-over", `/link/renew?${past}`, language.doors.over],
      ["deletion-unknown", `/privacy/deletion/${"A".repeat(22)}`, null],
      ["nowhere", "/nowhere", language.doors.nowhere],
      ["entrance", "/privacy", language.doors.entrance],
    ];
    for (const [name, path, heading] of doors) {
      await step(scope, `${name}: the page says what it is`, async () => {
        await page.goto(at(path));
        await page.getByRole("heading", heading ? { name: heading } : { level: 1 }).first().waitFor();
      });
      await visit(page, name, language, artifacts);
    }
    await step(scope, "the bank's sign-in opens the privacy page, with nothing secret in an address of ours", async () => {
      await (await tappable(page, language.doors.signIn, APPEAR_MS)).click();
      await page.getByLabel(language.bank.username).fill(language.customer.username);
      await page.getByLabel(language.bank.password).fill(language.customer.password);
      await (await tappable(page, language.bank.logIn, APPEAR_MS)).click();
      await page.waitForURL((address) => address.href.startsWith(at("/privacy")));
      await firstVisible([page.getByText(language.purchase.shown)], APPEAR_MS, "disclosure of the purchase");
      if (new URL(page.url()).search) throw new Error("something is in the address");
    });
  } finally {
    check(scope, "nobody else is asked for anything from outside", strangers.length === 0 ? null : strangers.join("; "));
    await context.close();
  }
}

/** The platform says that a person wants their data deleted; the address that it is given says what became of it. */
export async function deletedByThePlatform(browser, demo, user, language, scope, artifacts) {
  const address = await step(scope, "the platform's request to delete is taken, and answered with an address", async () => {
    const answer = await fetch(`${demo.chat}/control/users/${user}/data_deletion`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ url: new URL("/webhooks/messenger/data-deletion", demo.gateway).href }),
      signal: AbortSignal.timeout(APPEAR_MS),
    });
    const said = await answer.json();
    if (said.status !== 200 || said.problems.length > 0) throw new Error(JSON.stringify([said.status, said.problems]));
    return said.answer.url;
  });
  const context = await another(browser, language);
  const page = await context.newPage();
  try {
    await step(scope, "the address says that it is done", async () => {
      const until = Date.now() + APPEAR_MS;
      do await page.goto(address);
      while (!(await page.getByText(language.doors.deleted).count()) && Date.now() < until);
      await page.getByText(language.doors.deleted).waitFor();
    });
    await visit(page, "deletion", language, artifacts);
  } finally {
    await context.close();
  }
}
