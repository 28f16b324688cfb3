// The product's whole story in a real browser, in English and then in Arabic: link, ask, be told, look, revoke, silence, erase.
//
// Environment: AMANA_BIN (default ../target/debug/amana), CHROMIUM (default /usr/bin/chromium), AMANA_E2E_KEEP=1 keeps
// the demo's data directory. Pictures and the demo's log are in e2e/artifacts/. Exit code 1 when any check failed.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { startDemo } from "./lib/demo.mjs";
import { behindPrivacy, deletedByThePlatform, fromOutside } from "./lib/doors.mjs";
import { APPEAR_MS, BROWSER_START_MS, NEW_TAB_MS, SILENCE_MS } from "./lib/limits.mjs";
import { readNotice } from "./lib/notice.mjs";
import { controlPanel } from "./lib/panel.mjs";
import {
  abuse_10_what_is_slipped_in_is_counted,
  another,
  firstVisible,
  tappable,
  visit,
  watchConsoles,
  watchOrigins,
  watchViolations,
} from "./lib/pages.mjs";
import { narrow, saveConsent, verifyProof } from "./lib/proof.mjs";
import { StepFailed, check, failed, note, step } from "./lib/report.mjs";
import { exportAndErase } from "./lib/rights.mjs";
import { verifierInBrowser } from "./lib/verifier.mjs";
import { chatAddress, controlAddress, institution, languages } from "./selectors.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const binary = path.resolve(process.env.AMANA_BIN ?? path.join(here, "../target/debug/amana"));
const artifacts = path.join(here, "artifacts");

/** Chromium's own errands (updates, look-ups) would fail on a closed network and have nothing to do with the story. */
const CHROMIUM_ARGUMENTS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The whole story in one language. Throws `StepFailed` where it cannot go on. */
async function tell(browser, demo, language) {
  const scope = language.code;
  const context = await another(browser, language);
  const complaints = watchConsoles(context);
  const strangers = watchOrigins(context, demo.gateway);
  const violations = await watchViolations(context, demo.gateway);
  let chat;
  try {
    chat = await context.newPage();
    const log = chat.getByRole("log");

    await step(scope, "the chat opens", async () => {
      await chat.goto(chatAddress(demo.chat, language));
      await tappable(chat, language.chat.getStarted, APPEAR_MS);
    });
    await visit(chat, "chat-welcome", language, artifacts);

    await step(scope, "Get started brings the offer to link", async () => {
      await (await tappable(chat, language.chat.getStarted, APPEAR_MS)).click();
      await tappable(chat, language.chat.linkMyBank, APPEAR_MS);
    });

    // Only what is said from here on counts: a greeting may speak of linking and of balances too.
    const linkedBefore = await occurrences(log, language.chat.linked);
    const page = await step(scope, "Link my bank opens the gateway's page", () => openLink(context, chat, language));
    await link(page, language, scope, demo);

    await step(scope, "back in the chat, linked", async () => {
      await saidAnew(log, language.chat.linked, linkedBefore);
    });
    await chat.bringToFront();
    await visit(chat, "chat-linked", language, artifacts);

    await step(scope, "a question gets the balance", async () => {
      const before = await occurrences(log, language.chat.balanceAnswer);
      await say(chat, language, language.chat.askBalance);
      await saidAnew(log, language.chat.balanceAnswer, before);
    });

    const bought = await step(scope, "a purchase at the bank arrives in the chat", async () => {
      const before = await occurrences(log, language.purchase.shown);
      const started = performance.now();
      await purchase(demo, language, language.purchase);
      await saidAnew(log, language.purchase.shown, before);
      return Math.round(performance.now() - started);
    });
    note(`${scope}: from the till to the chat page in ${bought} ms`);
    await visit(chat, "chat-update", language, artifacts);

    const privacy = await step(scope, "the privacy page opens from the chat", async () => {
      await say(chat, language, language.chat.askPrivacy);
      const button = await tappable(log, language.chat.privacyPage, APPEAR_MS);
      const opened = context.waitForEvent("page");
      await button.click();
      const tab = await opened;
      await tab.waitForLoadState("load");
      return tab;
    });
    await visit(privacy, "privacy", language, artifacts);
    await step(scope, "the privacy page lists the disclosure", async () => {
      await firstVisible([privacy.getByText(language.purchase.shown)], APPEAR_MS, "disclosure of the purchase");
    });
    await narrow(privacy, language, scope, artifacts);
    await saveConsent(privacy, language, scope);
    await behindPrivacy(privacy, language, scope, artifacts);
    await fromOutside(browser, demo, language, scope, artifacts);
    await verifyProof(privacy, language, scope, artifacts);

    await step(scope, "revoking takes effect", () => revoke(privacy, language));
    await visit(privacy, "privacy-revoked", language, artifacts);

    await step(scope, "after that, the next purchase does not arrive", async () => {
      await purchase(demo, language, language.purchaseAfterRevoke);
      await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
      const text = await log.innerText();
      if (language.purchaseAfterRevoke.shown.test(text)) throw new Error("it arrived in the chat");
      // The silence must not be a dead page: what came before is still there.
      if (!language.purchase.shown.test(text)) throw new Error("the chat lost the earlier message");
    });
    await chat.bringToFront();
    await visit(chat, "chat-after-revoke", language, artifacts);

    await privacy.bringToFront();
    await exportAndErase(privacy, language, scope, artifacts);
  } catch (error) {
    await pictures(context, scope);
    throw error;
  } finally {
    check(scope, "no errors in any console", complaints.length === 0 ? null : complaints.join("; "));
    check(scope, "abuse 10: our pages ask nobody else for anything", strangers.length === 0 ? null : strangers.join("; "));
    check(scope, "abuse 10: no page tries what its policy forbids", violations.length === 0 ? null : violations.join("; "));
    await context.close();
  }
}

/** What was open when a step failed. */
async function pictures(context, scope) {
  for (const [index, page] of context.pages().entries()) {
    const file = path.join(artifacts, `${scope}-failed-${index}.png`);
    await page.screenshot({ path: file, fullPage: true }).catch(() => {});
    note(`${scope}: open at the failure: ${page.url().replace(/[?#].*/, "?…")} (${path.basename(file)})`);
  }
}

/** Another customer, who wants Messenger to hear only that there is something. Throws `StepFailed` where it cannot go on. */
async function tellOfNotices(browser, demo, language) {
  const scope = language.code;
  const { customer, form } = language.notice;
  const own = { ...language, customer, consent: { ...language.consent, formDetail: form } };
  const context = await another(browser, language);
  try {
    const chat = await context.newPage();
    const page = await step(scope, "another customer opens the chat and the gateway's page", async () => {
      await chat.goto(chatAddress(demo.chat, language, "notice"));
      await (await tappable(chat, language.chat.getStarted, APPEAR_MS)).click();
      await tappable(chat, language.chat.linkMyBank, APPEAR_MS);
      return openLink(context, chat, language);
    });
    // Its pages were looked at already.
    const linked = await occurrences(chat.getByRole("log"), language.chat.linked);
    await link(page, own, scope, demo, async () => {});
    await step(scope, "linked, with notices only", () => saidAnew(chat.getByRole("log"), language.chat.linked, linked));
    await readNotice(browser, chat, (what) => purchase(demo, own, what), own, artifacts);
    await deletedByThePlatform(browser, demo, `notice-${language.code}`, language, scope, artifacts);
  } catch (error) {
    await pictures(context, scope);
    throw error;
  } finally {
    await context.close();
  }
}

/** Taps `Link my bank` and whatever follows it in the chat until a new tab opens. */
async function openLink(context, chat, language) {
  const names = [language.chat.linkMyBank, language.chat.logIn, language.chat.linkMyBank];
  for (const name of names) {
    const opened = context.waitForEvent("page", { timeout: NEW_TAB_MS }).catch(() => null);
    await (await tappable(chat, name, APPEAR_MS)).click();
    const page = await opened;
    if (page) {
      await page.waitForLoadState("load");
      return page;
    }
  }
  throw new Error("no new tab opened");
}

/** From the gateway's first page through the bank and back to the end of the gateway's consent page. */
async function link(page, language, scope, demo, look = visit) {
  await look(page, "link-institution", language, artifacts);
  await step(scope, "the institution is picked", async () => {
    const radio = page.getByRole("radio", { name: institution.name });
    if ((await radio.count()) > 0) {
      await radio.first().check();
      await (await tappable(page, language.link.next, APPEAR_MS)).click();
    } else {
      await (await tappable(page, institution.name, APPEAR_MS)).click();
    }
    await page.getByLabel(language.bank.username).waitFor();
    if (!page.url().startsWith(demo.bank)) throw new Error("the login page is not the bank's");
  });
  await look(page, "bank-login", language, artifacts);

  await step(scope, "the bank lets the customer in", async () => {
    await page.getByLabel(language.bank.username).fill(language.customer.username);
    await page.getByLabel(language.bank.password).fill(language.customer.password);
    await (await tappable(page, language.bank.logIn, APPEAR_MS)).click();
    await tappable(page, language.bank.allow, APPEAR_MS);
    await nothingTicked(page);
  });
  await look(page, "bank-consent", language, artifacts);

  await step(scope, "the bank's consent leads back to the gateway", async () => {
    await tickAll(page);
    await chooseOptions(page, null, language.consent.duration);
    await (await tappable(page, language.bank.allow, APPEAR_MS)).click();
    await page.waitForURL((address) => address.href.startsWith(demo.gateway));
    await page.getByRole("checkbox").first().waitFor();
    await nothingTicked(page);
  });
  await look(page, "gateway-consent", language, artifacts);

  await step(scope, "the gateway's consent is given", async () => {
    await tickAll(page);
    await chooseOptions(page, language.consent.formDetail, language.consent.duration);
    const before = page.url();
    // The page goes on to the platform, which may close the tab by itself.
    const gone = page.waitForEvent("close").catch(() => null);
    const left = page.waitForURL((address) => address.href !== before, { waitUntil: "commit" });
    await (await tappable(page, language.consent.agree, APPEAR_MS)).click();
    await Promise.race([left.catch(() => null), gone]);
    if (!page.isClosed() && page.url() === before) throw new Error("the consent page did not go on");
  });
  if (!page.isClosed()) await page.close();
}

/** Consent is the customer's own act: no box may be ticked before that. */
async function nothingTicked(page) {
  const ticked = await page.getByRole("checkbox", { checked: true }).count();
  if (ticked > 0) throw new Error(`${ticked} boxes are ticked before the customer did anything`);
}

async function tickAll(page) {
  const boxes = page.getByRole("checkbox");
  const count = await boxes.count();
  if (count === 0) throw new Error("no boxes to tick");
  for (let index = 0; index < count; index += 1) await boxes.nth(index).check();
}

/** Picks the form of the messages (each purpose has its own) and the duration, as radio buttons or as a list. */
async function chooseOptions(page, form, duration) {
  for (const name of [form, duration]) {
    if (!name) continue;
    const radio = page.getByRole("radio", { name });
    for (let index = 0; index < (await radio.count()); index += 1) await radio.nth(index).check();
  }
  const lists = page.getByRole("combobox");
  for (let index = 0; index < (await lists.count()); index += 1) {
    const options = await lists.nth(index).locator("option").allInnerTexts();
    const wanted = options.findIndex((text) => (form && form.test(text)) || duration.test(text));
    if (wanted >= 0) await lists.nth(index).selectOption({ index: wanted });
  }
}

async function say(chat, language, text) {
  const composer = chat.getByRole("textbox", { name: language.chat.composer });
  await composer.fill(text);
  await composer.press("Enter");
}

/** How often the conversation matches `what` now. */
async function occurrences(log, what) {
  const text = await log.innerText();
  return [...text.matchAll(new RegExp(what.source, `${what.flags}g`))].length;
}

/** Waits until the conversation matches `what` more often than `before`. */
async function saidAnew(log, what, before) {
  const until = Date.now() + APPEAR_MS;
  while ((await occurrences(log, what)) <= before) {
    if (Date.now() > until) throw new Error(`nothing new in the chat matches ${what} after ${APPEAR_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Makes a card purchase happen at the sandbox bank. */
async function purchase(demo, language, what) {
  const answer = await fetch(controlAddress(demo.bank, "purchase"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ customer: language.customer.username, merchant: what.merchant, amount: what.amount }),
    signal: AbortSignal.timeout(APPEAR_MS),
  });
  if (!answer.ok) throw new Error(`the bank's till answered ${answer.status}: ${await answer.text()}`);
}

/** One tap, and a second one where the page asks whether it is meant. */
async function revoke(page, language) {
  await (await tappable(page, language.privacy.revoke, APPEAR_MS)).click();
  const done = page.getByText(language.privacy.revoked);
  const until = Date.now() + APPEAR_MS;
  let confirmed = false;
  while (Date.now() < until) {
    const count = await done.count();
    for (let index = 0; index < count; index += 1) {
      const isButton = await done.nth(index).evaluate((element) => element.closest("button, a") !== null);
      if (!isButton && (await done.nth(index).isVisible())) return;
    }
    if (!confirmed) {
      const again = page.getByRole("button", { name: language.privacy.confirm });
      if ((await again.count()) > 0 && (await again.last().isVisible())) {
        await again.last().click();
        confirmed = true;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the page does not say that it was revoked");
}

/** Stops the demo, starts it on the same data, and looks whether the chat is still there. */
async function restart(browser, demo, dataDir, logFile) {
  const how = await demo.stop();
  check("demo", "Ctrl-C ends it cleanly", how.code === 0 ? null : how.reason);
  const again = await step("demo", "it starts again on the same data", () => startDemo(binary, dataDir, logFile, demo));
  try {
    await step("demo", "the conversation is still there", async () => {
      const language = languages.en;
      const page = await browser.newPage({ locale: language.browserLocale });
      await page.goto(chatAddress(again.chat, language));
      await page.getByRole("log").getByText(language.purchase.shown).last().waitFor({ timeout: APPEAR_MS });
      await page.close();
    });
  } finally {
    await again.stop();
  }
}

await rm(artifacts, { recursive: true, force: true });
await mkdir(artifacts, { recursive: true });
const dataDir = await mkdtemp(path.join(tmpdir(), "amana-e2e-"));
const logFile = path.join(artifacts, "demo.log");
let demo = null;
let browser = null;
try {
  demo = await step("demo", "it starts and says where it is", () => startDemo(binary, dataDir, logFile));
  browser = await step("demo", "the browser starts", () =>
    chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: CHROMIUM_ARGUMENTS,
      timeout: BROWSER_START_MS,
    }),
  );
  await step("verifier", "it has judged every bundle", () => verifierInBrowser(browser));
  const address = (base) => chatAddress(base, languages.en, "panel");
  await controlPanel(browser, binary, languages.en, address, artifacts).catch(reported);
  for (const language of [languages.en, languages.ar]) {
    // A language that fails does not keep the other from being told.
    await tell(browser, demo, language).catch(reported);
    await abuse_10_what_is_slipped_in_is_counted(browser, language, demo.gateway);
    await tellOfNotices(browser, demo, language).catch(reported);
  }
  const running = demo;
  demo = null;
  await restart(browser, running, dataDir, logFile);
} catch (error) {
  reported(error);
} finally {
  if (demo) await demo.stop();
  if (browser) await browser.close();
  if (process.env.AMANA_E2E_KEEP === "1") note(`kept: the demo's data in ${dataDir}`);
  else await rm(dataDir, { recursive: true, force: true });
}
process.exitCode = failed() === 0 ? 0 : 1;

/** A failed step has said so already; anything else is a mistake in the story itself and must count too. */
function reported(error) {
  if (!(error instanceof StepFailed)) check("demo", "the story can be told", error.stack ?? String(error));
}
