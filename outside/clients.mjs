// `messaging-api-messenger` and `bottender` against the Messenger simulator.

import { createRequire } from "node:module";

import { check, failed, until } from "./lib/amana.mjs";
import { APP, PAGE, SECRET, TOKEN, startSimulator } from "./lib/simulator.mjs";

const require = createRequire(import.meta.url);
const { MessengerClient } = require("messaging-api-messenger");
const MessengerBot = require("bottender/dist/messenger/MessengerBot").default;
// The client that bottender brings is an older one: of its own version.
const bottenderRequire = createRequire(require.resolve("bottender/package.json"));
const BottendersClient = bottenderRequire("messaging-api-messenger").MessengerClient;
const { createServer } = bottenderRequire("@bottender/express");

const VERSION = "25.0";
const INBOX = 263902037430900;
const APP_TOKEN = `${APP}|${SECRET}`;

/** Runs a call that must be refused with these codes. */
const refused = (scope, what, action, code, subcode) => check(scope, what, async () => {
  try {
    await action();
  } catch (error) {
    const got = error.response?.data?.error;
    const gotSub = got?.errorSubcode ?? got?.error_subcode;
    if (got?.code === code && gotSub === subcode) return;
    throw new Error(`${got?.code}/${gotSub} for ${code}/${subcode}: ${error.message}`);
  }
  throw new Error("accepted");
});

/** Everything that the client can say to a page of today. */
async function client(simulator) {
  const scope = "messaging-api-messenger";
  const { base, control } = simulator;
  const messenger = new MessengerClient({
    accessToken: TOKEN, appSecret: SECRET, appId: APP, version: VERSION, origin: base,
  });
  await control("settings", { profile_per_10min: 0 });
  await control("users/basil/say", { page: PAGE, text: "hi" });
  const { psid } = await control(`threads/${PAGE}/basil`);
  const last = async () => (await control(`threads/${PAGE}/basil`)).messages.at(-1).body;
  const sent = (answer) => answer.recipientId === psid && answer.messageId.startsWith("m_");

  await check(scope, "sendText", () => messenger.sendText(psid, "Grüße رصيدك 😀"), sent);
  await check(scope, "what was sent is shown", last, (body) => body.text === "Grüße رصيدك 😀");
  await check(scope, "sendText with quick replies", () => messenger.sendText(psid, "Which?", {
    quickReplies: [{ contentType: "text", title: "One", payload: "1" }, { contentType: "text", title: "Two", payload: "2" }],
  }), sent);
  await check(scope, "typingOn, typingOff, markSeen", async () => {
    await messenger.typingOn(psid);
    await messenger.typingOff(psid);
    return messenger.markSeen(psid);
  }, (answer) => answer.recipientId === psid);
  await check(scope, "sendButtonTemplate with Log in", () => messenger.sendButtonTemplate(psid, "Link your bank", [
    { type: "account_link", url: "https://bank.example/link" },
  ]), sent);
  await check(scope, "sendGenericTemplate", () => messenger.sendGenericTemplate(psid, [
    { title: "Current account", subtitle: "4242", buttons: [{ type: "postback", title: "Open", payload: "O" }] },
  ]), sent);
  await check(scope, "sendReceiptTemplate", () => messenger.sendReceiptTemplate(psid, {
    recipientName: "Basil", orderNumber: "1", currency: "USD", paymentMethod: "Savings ••1234",
    summary: { totalCost: 1 }, elements: [{ title: "Coffee", price: 1 }],
  }), sent);
  await check(scope, "sendImage by address", () => messenger.sendImage(psid, "https://bank.example/a.png"), sent);
  await check(scope, "uploadImage", () => messenger.uploadImage("https://bank.example/a.png", { isReusable: true }),
    (answer) => /^\d+$/.test(answer.attachmentId));
  const persona = await check(scope, "createPersona", () => messenger.createPersona({
    name: "Lina", profilePictureUrl: "https://bank.example/lina.png",
  }), (answer) => /^\d+$/.test(answer.id));
  await check(scope, "getAllPersonas", () => messenger.getAllPersonas(), (all) => all[0].name === "Lina");
  await check(scope, "sendText as a persona", () => messenger.sendText(psid, "Lina here", { personaId: persona.id }), sent);
  await check(scope, "deletePersona", () => messenger.deletePersona(persona.id));

  await check(scope, "setGetStarted", () => messenger.setGetStarted("GS"), (answer) => answer.result === "success");
  await check(scope, "getGetStarted", () => messenger.getGetStarted(), (got) => got.payload === "GS");
  await check(scope, "setGreeting", () => messenger.setGreeting("Welcome"));
  await check(scope, "setPersistentMenu", () => messenger.setPersistentMenu([{ type: "postback", title: "Help", payload: "H" }]));
  await check(scope, "getPersistentMenu", () => messenger.getPersistentMenu(), (menu) => menu[0].callToActions[0].title === "Help");
  await check(scope, "setUserPersistentMenu", () => messenger.setUserPersistentMenu(psid, [{ type: "postback", title: "Mine", payload: "M" }]));
  await check(scope, "getUserPersistentMenu", () => messenger.getUserPersistentMenu(psid), Boolean);
  await check(scope, "deleteUserPersistentMenu", () => messenger.deleteUserPersistentMenu(psid));
  await check(scope, "setIceBreakers", () => messenger.setIceBreakers([{ question: "What is my balance?", payload: "B" }]));
  await check(scope, "setWhitelistedDomains", () => messenger.setWhitelistedDomains(["https://bank.example"]));
  await check(scope, "setAccountLinkingURL", () => messenger.setAccountLinkingURL("https://bank.example/link"));
  await check(scope, "delete menu, then Get started", async () => {
    await messenger.deletePersistentMenu();
    return messenger.deleteGetStarted();
  });

  await check(scope, "getPageInfo", () => messenger.getPageInfo(), (page) => page.name === "Meridian Bank");
  await check(scope, "debugToken", () => messenger.debugToken(), (token) => token.isValid === true);
  await check(scope, "getUserProfile", () => messenger.getUserProfile(psid), (person) => person.firstName === "basil");
  await check(scope, "getThreadOwner", () => messenger.getThreadOwner(psid), (owner) => String(owner.appId) === APP);
  await control(`pages/${PAGE}`, { default_app: APP });
  await control("users/basil/say", { page: PAGE, text: "a human" });
  await check(scope, "passThreadControl to a number", () => messenger.passThreadControl(psid, INBOX, "why"), (answer) => answer.success);
  await refused(scope, "a send beside the owner is 2018300", () => messenger.sendText(psid, "x"), 10, 2018300);
  await check(scope, "requestThreadControl", () => messenger.requestThreadControl(psid), (answer) => answer.success);
  await check(scope, "takeThreadControl", () => messenger.takeThreadControl(psid), (answer) => answer.success);
  await check(scope, "passThreadControlToPageInbox", () => messenger.passThreadControlToPageInbox(psid), (answer) => answer.success);
  await control(`pages/${PAGE}`, { default_app: "" });
  await control("users/basil/inbox", { do: "done", page: PAGE });

  await control("clock", { advance_s: 25 * 3600 });
  await refused(scope, "a closed window is 10/2018278", () => messenger.sendText(psid, "late"), 10, 2018278);
  await refused(scope, "a retired tag is 100/1893061", () => messenger.sendText(psid, "late", { tag: "ACCOUNT_UPDATE" }), 100, 1893061);
  await check(scope, "the human agent's tag", () => messenger.sendText(psid, "Lina again", { tag: "HUMAN_AGENT" }), sent);
  await control("users/basil/reach", { page: PAGE, reach: "blocked" });
  await refused(scope, "a person who blocked is 551/1545041", () => messenger.sendText(psid, "x", { tag: "HUMAN_AGENT" }), 551, 1545041);
}

/** A bot of another framework: handshake, signature, a question and its answer, a tap, hand-over. */
async function bot(simulator) {
  const scope = "bottender";
  const { base, control } = simulator;
  const seen = [];
  // bottender would call version 6.0, which Meta has removed; so it is given its own client with a version of today.
  const own = new BottendersClient({ accessToken: TOKEN, appSecret: SECRET, appId: APP, version: VERSION, origin: base });
  const robot = new MessengerBot({ client: own, appId: APP, appSecret: SECRET, verifyToken: "verify-me" });
  robot.onEvent(async (context) => {
    const { event } = context;
    seen.push(event);
    if (event.isEcho || event.isDelivery || event.isRead) return;
    if (event.isPostback) return void await context.sendText(`payload ${event.payload}`);
    if (event.isText && !context.event.isStandby) await context.sendText(`you said ${event.text}`);
  });
  const server = createServer(robot, { path: "/webhooks/messenger" });
  const listening = await new Promise((resolve) => { const s = server.listen(0, "127.0.0.1", () => resolve(s)); });
  const callback = `http://127.0.0.1:${listening.address().port}/webhooks/messenger`;
  const subscribe = (verifyToken) => fetch(`${base}/v${VERSION}/${APP}/subscriptions?access_token=${encodeURIComponent(APP_TOKEN)}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      object: "page", callback_url: callback, verify_token: verifyToken,
      fields: "messages,messaging_postbacks,message_echoes,standby,messaging_handovers",
    }),
  });
  try {
    await check(scope, "refuses a wrong verify token", () => subscribe("wrong"), (answer) => answer.status === 400);
    await check(scope, "passes the handshake", () => subscribe("verify-me"), (answer) => answer.status === 200);
    await check(scope, "getSubscriptions", () => own.getSubscriptions({ accessToken: APP_TOKEN }), (all) => all[0].callbackUrl === callback);
    const subscribed = `${base}/v${VERSION}/me/subscribed_apps?subscribed_fields=messages,%20messaging_postbacks,%20message_echoes,%20standby,%20messaging_handovers`;
    const proof = "543b6bc33cf8757f08c5664154a9762d4db96767364c99392e418970a245fa55";
    await check(scope, "subscribes to the page", () => fetch(`${subscribed}&appsecret_proof=${proof}`, {
      method: "POST", headers: { authorization: `Bearer ${TOKEN}` },
    }), (answer) => answer.status === 200);

    const shown = async (text) => (await control(`threads/${PAGE}/dana`)).messages.some((m) => m.body.text === text);
    await control("users/dana/say", { page: PAGE, text: "كم رصيدي؟ a/b 😀" });
    await check(scope, "answers a text whose bytes are escaped and signed",
      () => until("answer", () => shown("you said كم رصيدي؟ a/b 😀")));
    await control("users/dana/tap", { page: PAGE, kind: "postback", payload: "BALANCE", title: "Balance" });
    await check(scope, "answers a tap", () => until("answer", () => shown("payload BALANCE")));
    await check(scope, "hears its echo", () => until("echo", () => seen.some((e) => e.isEcho && e.message.text === "payload BALANCE")));
    await control("users/dana/inbox", { do: "reply", page: PAGE, text: "Lina here" });
    await check(scope, "hears that a human took the thread",
      () => until("take", () => seen.some((e) => e.isTakeThreadControl)));
    await control("users/dana/say", { page: PAGE, text: "thank you Lina" });
    await check(scope, "hears standby and stays silent", async () => {
      await until("standby", () => seen.some((e) => e.isText && e.text === "thank you Lina"));
      await until("quiet", async () => (await control("webhooks")).pending === 0);
      return shown("you said thank you Lina");
    }, (answered) => answered === false);
    await check(scope, "every webhook was answered 200", () => control("webhooks"), (state) => state.attempts_failed === 0 && state.given_up === 0);
  } finally {
    listening.closeAllConnections?.();
    await new Promise((resolve) => { listening.close(resolve); });
  }
}

const simulator = await startSimulator();
try {
  await client(simulator);
  await bot(simulator);
} catch (error) {
  await check("clients", "ran to their end", () => { throw error; });
} finally {
  await simulator.stop();
}
process.exitCode = failed() ? 1 : 0;
