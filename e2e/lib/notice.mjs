// The page behind a notice: who wants Messenger to hear only that there is something reads it on the gateway's own page,
// once, after the bank's login. Here the page's program runs in a real browser.

import { APPEAR_MS } from "./limits.mjs";
import { another, tappable, visit, watchConsoles } from "./pages.mjs";
import { check, step } from "./report.mjs";

/** A browser inside one of Meta's apps, by what it says of itself. */
const IN_APP =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/21A329 [FBAN/MessengerForiOS;FBAV/470.0]";

const TOKEN = /^#[A-Za-z0-9_-]{43}$/;

/** An authenticator of the browser's own, on which somebody is there and is verified, or is not. */
async function authenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verified: (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    async credentials() {
      return (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
    },
  };
}

/** A notice in the chat, and the address behind its button. `known` are the addresses that were there before. */
async function noticed(chat, buy, purchase, words, known = []) {
  const log = chat.getByRole("log");
  await buy(purchase);
  const until = Date.now() + APPEAR_MS;
  for (;;) {
    const buttons = log.getByRole("button", { name: words.inChat }).or(log.getByRole("link", { name: words.inChat }));
    const count = await buttons.count();
    if (count > known.length) {
      const opened = chat.context().waitForEvent("page");
      await buttons.nth(known.length).click();
      const tab = await opened;
      await tab.waitForLoadState("load");
      const url = tab.url();
      await tab.close();
      return url;
    }
    if (Date.now() > until) throw new Error("no new notice in the chat");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** From the page that was shown by the bank's login: a passkey is added, and opens the next message. */
async function withPasskey(page, chat, buy, language, artifacts, device) {
  const scope = language.code;
  const words = language.notice;
  const own = words.passkey;
  await step(scope, "after the bank's login a passkey can be added", async () => {
    await (await tappable(page, own.from, APPEAR_MS)).click();
    await tappable(page, own.add, APPEAR_MS);
  });
  await visit(page, "passkeys", language, artifacts);
  await step(scope, "the device makes one", async () => {
    await (await tappable(page, own.add, APPEAR_MS)).click();
    await tappable(page, own.make, APPEAR_MS);
    await visit(page, "passkey-make", language, artifacts);
    await (await tappable(page, own.make, APPEAR_MS)).click();
    await page.getByText(own.added).waitFor();
    const kept = await device.credentials();
    if (kept.length !== 1 || kept[0].rpId !== "localhost") throw new Error(JSON.stringify(kept));
  });
  await visit(page, "passkeys-one", language, artifacts);
  const before = await chat.getByRole("log").getByRole("button", { name: words.inChat })
    .or(chat.getByRole("log").getByRole("link", { name: words.inChat })).count();
  const address = await step(scope, "another notice comes", () =>
    noticed(chat, buy, own.purchase, words, Array.from({ length: before })));
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await step(scope, "signed out, the passkey is asked for in place of the bank's login", async () => {
    await page.goto(new URL("/privacy", address).href);
    await (await tappable(page, own.signOut, APPEAR_MS)).click();
    await page.goto(address);
    await (await tappable(page, own.open, APPEAR_MS)).click();
    await tappable(page, own.use, APPEAR_MS);
    await tappable(page, own.bank, APPEAR_MS);
  });
  await visit(page, "notice-passkey", language, artifacts);
  await step(scope, "a device that does not know who is there opens nothing", async () => {
    await device.verified(false);
    await (await tappable(page, own.use, APPEAR_MS)).click();
    await page.getByText(own.failed).waitFor();
    await visit(page, "notice-passkey-failed", language, artifacts);
    await device.verified(true);
  });
  await step(scope, "the passkey opens the message", async () => {
    await (await tappable(page, own.use, APPEAR_MS)).click();
    await page.getByText(own.purchase.shown).first().waitFor();
  });
  const origins = new Set(asked.map((url) => new URL(url).origin));
  check(scope, "with a passkey nobody else is asked, not even the bank", origins.size === 1 ? null : [...origins].join(" "));
}

/** `chat` is the conversation of a customer who agreed to notices only; `buy` makes a purchase of theirs. */
export async function readNotice(browser, chat, buy, language, artifacts) {
  const scope = language.code;
  const words = language.notice;
  const log = chat.getByRole("log");

  const address = await step(scope, "a notice says in the chat that there is something, and not what", async () => {
    await buy(words.purchase);
    await tappable(log, words.inChat, APPEAR_MS);
    // The first is the purchase's; the balance's comes after it.
    const button = log.getByRole("button", { name: words.inChat }).or(log.getByRole("link", { name: words.inChat })).first();
    if (words.purchase.shown.test(await log.innerText())) throw new Error("the amount is in the chat");
    const opened = chat.context().waitForEvent("page");
    await button.click();
    const tab = await opened;
    await tab.waitForLoadState("load");
    const url = tab.url();
    if (!TOKEN.test(new URL(url).hash)) throw new Error("what follows # in the address is no token");
    await tappable(tab, words.open, APPEAR_MS);
    await tab.close();
    return url;
  });
  await chat.bringToFront();
  await visit(chat, "chat-notice", language, artifacts);

  const context = await another(browser, language);
  const complaints = watchConsoles(context);
  try {
    const page = await context.newPage();
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await step(scope, "without its end the address opens nothing, and with it the page offers the message", async () => {
      await page.goto(address.replace(/#.*/, ""));
      await page.getByText(words.incomplete).waitFor();
      if (await page.getByRole("button", { name: words.open }).isVisible()) throw new Error("the form is there without a token");
      await page.goto(address);
      await tappable(page, words.open, APPEAR_MS);
      if (await page.getByText(words.incomplete).isVisible()) throw new Error("the complete address is called incomplete");
    });
    await visit(page, "notice", language, artifacts);
    await step(scope, "the other language opens the same message", async () => {
      for (const [lang, name] of [[words.otherCode, words.otherLanguage], [scope, words.thisLanguage]]) {
        await page.getByRole("button", { name }).click();
        await page.locator(`html[lang^="${lang}"]`).waitFor();
        if (page.url() !== address) throw new Error("the address is another one");
      }
      await tappable(page, words.open, APPEAR_MS);
    });
    const secret = new URL(address).hash.slice(1);
    check(scope, "the page's address says nothing to the server", asked.some((url) => new URL(url).href.replace(/#.*/, "").includes(secret))
      ? "the token was in the address of a request" : null);
    const origins = new Set(asked.map((url) => new URL(url).origin));
    check(scope, "the page asks nobody else for anything", origins.size === 1 ? null : [...origins].join(" "));

    await step(scope, "the bank asks who it is", async () => {
      await (await tappable(page, words.open, APPEAR_MS)).click();
      await page.getByLabel(language.bank.username).fill(language.customer.username);
      await page.getByLabel(language.bank.password).fill(language.customer.password);
      await (await tappable(page, language.bank.logIn, APPEAR_MS)).click();
      await tappable(page, words.show, APPEAR_MS);
    });
    await visit(page, "notice-ready", language, artifacts);
    await step(scope, "the message is shown", async () => {
      await (await tappable(page, words.show, APPEAR_MS)).click();
      await page.getByText(words.purchase.shown).first().waitFor();
    });
    await visit(page, "notice-shown", language, artifacts);
    await withPasskey(page, chat, buy, language, artifacts, await authenticator(page));
    check(scope, "no errors in any console behind a notice", complaints.length === 0 ? null : complaints.join("; "));

    await step(scope, "it is not shown a second time", async () => {
      await page.goto(new URL("/privacy", address).href);
      await page.goto(address);
      await (await tappable(page, words.open, APPEAR_MS)).click();
      await page.getByRole("heading", { name: words.over }).waitFor();
      if ((await page.getByText(words.purchase.shown).count()) > 0) throw new Error("it is shown again");
    });
    await visit(page, "notice-over", language, artifacts);
  } finally {
    await context.close();
  }

  const without = await another(browser, language, { viewport: { width: 390, height: 844 } });
  try {
    const page = await without.newPage();
    await page.addInitScript(() => { delete globalThis.PublicKeyCredential; });
    await step(scope, "a browser without passkeys says so, and offers the bank's login", async () => {
      // Another message's end would do as well: nothing is known of it before the form is sent.
      await page.goto(`${new URL("/m", address).href}#${"A".repeat(43)}`);
      await tappable(page, words.open, APPEAR_MS);
      await page.getByText(words.passkey.missing).waitFor();
      if (await page.getByRole("button", { name: words.passkey.open }).isVisible()) throw new Error("a passkey is offered");
    });
    await visit(page, "notice-no-passkeys", language, artifacts);
  } finally {
    await without.close();
  }

  const inside = await another(browser, language, { userAgent: IN_APP, viewport: { width: 390, height: 844 } });
  try {
    const page = await inside.newPage();
    await step(scope, "a browser inside Meta's apps is shown the way out, with the whole address", async () => {
      await page.goto(address);
      await page.getByText(address).waitFor();
      if (await page.getByRole("button", { name: words.open }).count()) throw new Error("the message can be opened there");
    });
    await visit(page, "notice-in-app", language, artifacts);
  } finally {
    await inside.close();
  }
}
