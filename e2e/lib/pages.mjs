// What is true of every page of the product: language and direction, accessibility, no sideways scrolling on a phone,
// a picture for people to look at.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { APPEAR_MS, PHONE_WIDTH_PX } from "./limits.mjs";
import { check } from "./report.mjs";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A context of its own, like another browser. */
export async function another(browser, language, more = {}) {
  const context = await browser.newContext({
    locale: language.browserLocale,
    timezoneId: "UTC",
    viewport: { width: 1280, height: 860 },
    reducedMotion: "reduce",
    ...more,
  });
  context.setDefaultTimeout(APPEAR_MS);
  return context;
}

/** Checks one page under the name `name` and saves its picture. Reports each check; never throws for a finding. */
export async function visit(page, name, language, artifacts) {
  await page.waitForLoadState("load");
  const scope = language.code;

  const html = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    dir: document.documentElement.dir || "ltr",
    title: document.title,
  }));
  const said = html.lang.split("-")[0] === language.code && html.dir === language.dir;
  check(scope, `${name}: language and direction`, said ? null : `lang="${html.lang}" dir="${html.dir}"`);
  check(scope, `${name}: has a title`, html.title.trim() ? null : "the title is empty");

  await page.screenshot({ path: path.join(artifacts, `${scope}-${name}.png`), fullPage: true });

  // Evaluated by the browser's debugger, so the page's own content security policy stays as it is.
  await page.evaluate(axeSource);
  await accessible(page, scope, name);
  const size = page.viewportSize();
  await page.setViewportSize({ width: PHONE_WIDTH_PX, height: 844 });
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.screenshot({ path: path.join(artifacts, `${scope}-${name}-phone.png`) });
  await accessible(page, scope, `${name} on a phone`);
  if (size) await page.setViewportSize(size);
  check(scope, `${name}: fits a phone`, excess <= 1 ? null : `${excess} px wider than ${PHONE_WIDTH_PX} px`);
}

/** No finding of axe, however small. */
async function accessible(page, scope, name) {
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  const where = (one) => one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
  const found = result.violations.map((one) => `${one.id} (${one.impact}) at ${where(one)}`);
  check(scope, `${name}: accessible`, found.length === 0 ? null : found.join("; "));
}

/** Collects whatever the pages of `context` complain about in their consoles. */
export function watchConsoles(context) {
  const complaints = [];
  context.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${message.text()} (${message.location().url})`);
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return complaints;
}

/**
 * Collects whom the pages of `home` ask besides `home` itself: styles, programs, pictures, fonts, calls. A link that
 * the person follows to somewhere else is not the page's asking.
 */
export function watchOrigins(context, home) {
  const own = new URL(home).origin;
  const strangers = [];
  context.on("request", (request) => {
    const frame = frameOf(request);
    if (frame === null) return;
    // A frame within the page is the page's asking too.
    const page = frame.parentFrame();
    if (request.isNavigationRequest() && page === null) return;
    const from = new URL((page ?? frame).url()).origin;
    const to = new URL(request.url()).origin;
    if (from === own && to !== own) strangers.push(`${to} from ${new URL((page ?? frame).url()).pathname}`);
  });
  return strangers;
}

/** Collects what the pages of `home` were kept from by their own policy. Before the first page of `context`. */
export async function watchViolations(context, home) {
  const own = new URL(home).origin;
  const violations = [];
  await context.exposeBinding("reportViolation", ({ frame }, what) => {
    if (new URL(frame.url()).origin === own) violations.push(`${what} on ${new URL(frame.url()).pathname}`);
  });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.effectiveDirective} ${event.blockedURI}`);
    });
  });
  return violations;
}

/**
 * Abuse case 10: what somebody slips into a page of ours is kept from loading, and `watchViolations` counts it, so that
 * none counted means that there was none.
 */
export async function abuse_10_what_is_slipped_in_is_counted(browser, language, home) {
  const context = await another(browser, language);
  const violations = await watchViolations(context, home);
  const arrived = [];
  context.on("response", (response) => {
    if (new URL(response.url()).hostname.endsWith(".invalid")) arrived.push(response.url());
  });
  try {
    const page = await context.newPage();
    await page.goto(new URL("/privacy", home).href);
    await page.evaluate(() => {
      const add = (tag, attributes) => document.body.append(Object.assign(document.createElement(tag), attributes));
      add("img", { src: "https://tracker.invalid/pixel.gif" });
      add("link", { rel: "stylesheet", href: "https://fonts.invalid/all.css" });
      add("iframe", { src: "https://widget.invalid/" });
    });
    const until = Date.now() + APPEAR_MS;
    while (violations.length < 3 && Date.now() < until) await page.waitForTimeout(50);
    const kinds = new Set(violations.map((one) => one.split(" ")[0]));
    const missed = ["img-src", "style-src-elem", "frame-src"].filter((kind) => !kinds.has(kind));
    const problem = [...missed.map((kind) => `${kind} was not counted`), ...arrived].join("; ");
    check(language.code, "abuse 10: what is slipped into a page is not loaded, and counted", problem);
  } finally {
    await context.close();
  }
}

/** The frame that a request is for; none where a new tab is opened, which has no frame yet. */
function frameOf(request) {
  try {
    return request.frame();
  } catch {
    return null;
  }
}

/** The first visible element among `locators`, waiting up to `limit` milliseconds for one to appear. */
export async function firstVisible(locators, limit, what) {
  const until = Date.now() + limit;
  for (;;) {
    for (const locator of locators) {
      const count = await locator.count();
      for (let index = 0; index < count; index += 1) {
        const one = locator.nth(index);
        if (await one.isVisible()) return one;
      }
    }
    if (Date.now() > until) throw new Error(`no ${what} after ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Something that can be tapped, by the name a person reads; the newest one when there are several. */
export async function tappable(root, name, limit) {
  const role = (kind) => root.getByRole(kind, { name });
  const until = Date.now() + limit;
  for (;;) {
    for (const locator of [role("button"), role("link")]) {
      for (let index = (await locator.count()) - 1; index >= 0; index -= 1) {
        const one = locator.nth(index);
        if (await one.isVisible()) return one;
      }
    }
    if (Date.now() > until) throw new Error(`no button or link named ${name} after ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
