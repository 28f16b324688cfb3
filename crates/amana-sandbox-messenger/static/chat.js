// The chat page: loads the thread, follows its live updates, draws bubbles and cards. No framework, no build.
import { WORDS } from "/chat/words.js";
import { h, bubbleBody, dayLine, clockTime, preview } from "/chat/bubbles.js";
import { controlPanel } from "/chat/control.js";
import { wireItem } from "/chat/panel.js";

const query = new URLSearchParams(location.search);
const user = query.get("user") || "you";
const $ = (id) => document.getElementById(id);
const state = { thread: null, list: [], page: query.get("page") || "", raw: false, nodes: new Map() };

const REACTIONS = { love: "\u2764\ufe0f", like: "\ud83d\udc4d", dislike: "\ud83d\udc4e", smile: "\ud83d\ude06", wow: "\ud83d\ude2e", sad: "\ud83d\ude22", angry: "\ud83d\ude20" };
const arabic = () => document.documentElement.lang === "ar";
const locale = () => (arabic() ? "ar-u-nu-latn" : "en-US");
const word = (name, parts = {}) => {
  let text = WORDS[arabic() ? "ar" : "en"][name] ?? name;
  // Names of pages and people may run the other way: isolate them.
  for (const [key, value] of Object.entries(parts)) text = text.replace(`{${key}}`, `\u2068${value}\u2069`);
  return text;
};

async function call(path, body) {
  const response = await fetch(path, body && {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
const at = () => new URLSearchParams({ page: state.page, user });
const where = () => ({ page: state.page, user });

const control = controlPanel($("pane-control"), {
  word, locale, place: where, thread: () => state.thread, trouble: () => banner("unreachable"),
});

// ---- loading

async function load() {
  const [thread, list] = await Promise.all([
    call(`/chat/api/thread?${at()}`),
    call(`/chat/api/threads?${new URLSearchParams({ user })}`),
  ]);
  state.thread = thread;
  state.list = list;
  state.page = thread.page.id;
  state.skew = thread.now_ms - Date.now();
  setLanguage(thread.user.locale);
  drawAll();
  control.sync();
  markRead();
}

function labelPanel() {
  const closed = document.body.classList.contains("meta-closed");
  $("meta-toggle").setAttribute("aria-expanded", String(!closed));
  $("meta-toggle").setAttribute("aria-label", word(closed ? "meta_show" : "meta_hide"));
}

function setLanguage(value) {
  const ar = value.startsWith("ar");
  document.documentElement.lang = ar ? "ar" : "en";
  document.documentElement.dir = ar ? "rtl" : "ltr";
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  for (const node of document.querySelectorAll("[data-locale]")) {
    node.setAttribute("aria-pressed", String(node.dataset.locale === value));
  }
  $("flip").textContent = ar ? "EN" : "ع";
  $("flip").lang = ar ? "en" : "ar";
  $("flip").setAttribute("aria-label", ar ? "EN, English" : "ع, العربية");
  labelPanel();
  $("text").placeholder = word("message_hint");
  $("text").setAttribute("aria-label", word("message_label"));
  if (state.language !== value) {
    state.language = value;
    control.build();
  }
}

// ---- drawing

function avatar(node, page) {
  // Of an Arabic word the article says nothing.
  const name = page.name.replace(/(^|\s)\u0627\u0644(?=\p{L}{2})/gu, "$1");
  const initials = [...name.matchAll(/(?:^|[\s.&-]+)([\p{L}\p{N}])/gu)].map((m) => m[1]).slice(0, 2).join(/\p{Script=Arabic}/u.test(name) ? "\u200c" : "");
  node.textContent = initials.toUpperCase();
  node.style.setProperty("--tint", page.colour);
  return node;
}

function drawAll() {
  const { thread } = state;
  document.title = `${thread.page.name} · ${word("title")}`;
  $("name").textContent = thread.page.name;
  avatar($("avatar"), thread.page);
  $("log").setAttribute("aria-label", thread.page.name);
  state.nodes.clear();
  $("log").replaceChildren();
  $("log").append(intro());
  for (const message of thread.messages) drawMessage(message, false);
  $("log").append(typingRow());
  regroup();
  drawDock();
  drawThreads();
  drawWire();
  drawWindow();
  stick(true);
}

function intro() {
  const { page, greeting } = state.thread;
  const text = greeting || word("hello", { page: page.name });
  return h("section", { class: "intro" }, [
    avatar(h("span", { class: "avatar big", "aria-hidden": "true" }), page),
    h("h2", { dir: "auto" }, [page.name]),
    h("p", { class: "intro-label" }, [word("business")]),
    h("p", { class: "greeting", dir: "auto" }, [text]),
  ]);
}

function typingRow() {
  const row = h("div", { class: "row page typing", hidden: !state.thread.typing }, [
    avatar(h("span", { class: "avatar small", "aria-hidden": "true" }), state.thread.page),
    h("div", { class: "bubble dots", role: "img", "aria-label": word("typing", { page: state.thread.page.name }) },
      [h("i"), h("i"), h("i")]),
  ]);
  state.typing = row;
  return row;
}

let typingTimer;
function typing(on) {
  state.thread.typing = on;
  if (state.typing) state.typing.hidden = !on;
  clearTimeout(typingTimer);
  if (on) typingTimer = setTimeout(() => typing(false), 20000);
  stick();
}

function drawMessage(message, fresh) {
  const old = state.nodes.get(message.seq);
  const tools = { word, locale: locale(), page: state.thread.page, tap, link: `/chat/link?${at()}` };
  const node = h("div", { class: `row ${message.from}`, "data-at": message.at_ms, "data-state": message.progress });
  if (message.from === "system") {
    node.append(h("p", { class: "note" }, [word(message.body.system, { page: state.thread.page.name })]));
  } else {
    if (message.from === "page") {
      node.append(avatar(h("span", { class: "avatar small", "aria-hidden": "true" }), state.thread.page));
    }
    const { persona, agent, reaction, reply_to: reply } = message.body;
    const speaker = persona?.name || (agent && word("c_agent"));
    const answered = reply && preview(state.thread.messages.find((m) => m.mid === reply.mid) || message, word);
    const stack = h("div", { class: "stack" }, [
      speaker ? h("p", { class: "agent-name" }, [h("bdi", {}, [speaker])]) : null,
      answered ? h("p", { class: "reply-to" }, ["\u21a9 ", h("bdi", {}, [answered])]) : null,
      bubbleBody(message, tools),
      reaction ? h("span", { class: "reaction" }, [REACTIONS[reaction] || reaction]) : null,
    ]);
    if (message.from === "user") stack.append(...progress(message));
    node.append(stack);
  }
  if (fresh && !old) node.classList.add("fresh");
  if (old) old.replaceWith(node);
  else if (state.typing?.isConnected) state.typing.before(node);
  else $("log").append(node);
  state.nodes.set(message.seq, node);
}

function progress(message) {
  const said = { retrying: "retrying", failed: "failed", unheard: "unheard" }[message.progress];
  if (said) return [h("p", { class: "trouble" }, [h("span", { class: "bang", "aria-hidden": "true" }, ["!"]), word(said)])];
  const kind = message.progress === "sending" ? "sending" : "delivered";
  return [h("span", { class: `tick ${kind}`, role: "img", "aria-label": word(kind) })];
}

// Which bubbles belong together, where a time line stands, which tick is the last: classes only, after each change.
function regroup() {
  const messages = state.thread.messages;
  for (const line of $("log").querySelectorAll(".day")) line.remove();
  const isSeen = (m) => m.from === "user" && m.at_ms <= state.thread.page_seen_ms && m.progress === "delivered";
  const lastSeen = messages.findLast(isSeen)?.seq;
  const lastUser = messages.findLast((m) => m.from === "user")?.seq;
  messages.forEach((message, i) => {
    const node = state.nodes.get(message.seq);
    const before = messages[i - 1];
    const after = messages[i + 1];
    const near = (a, b) => a && b && a.from === b.from && Math.abs(a.at_ms - b.at_ms) < 300000;
    node.classList.toggle("first", !near(before, message));
    node.classList.toggle("last", !near(message, after));
    if (!before || message.at_ms - before.at_ms > 900000) node.before(dayLine(message.at_ms, state.skew, word, locale()));
    const tick = node.querySelector(".tick");
    if (tick) {
      const seen = message.seq === lastSeen;
      tick.hidden = !(seen || message.seq === lastUser);
      tick.classList.toggle("seen", seen);
      if (seen) {
        avatar(tick, state.thread.page);
        tick.setAttribute("aria-label", word("seen"));
      }
    }
  });
}

function drawDock() {
  const { thread } = state;
  const empty = thread.messages.length === 0;
  const start = empty && thread.get_started;
  $("log").classList.toggle("empty", empty);
  $("start").hidden = !start;
  $("start-note").textContent = word("get_started_note", { page: thread.page.name });
  $("composer").hidden = Boolean(start) || thread.composer_disabled === true && !thread.menu;
  $("text").hidden = $("send").hidden = thread.composer_disabled === true;
  $("menu-button").hidden = !thread.menu?.length;
  drawQuick();
  drawMenu();
}

function drawQuick() {
  const { thread } = state;
  const last = thread.messages.findLast((m) => m.from !== "system");
  let items = last?.from === "page" ? last.body.quick_replies || [] : [];
  items = items.filter((q) => (q.content_type || "").toLowerCase() === "text")
    .map((q) => ({ kind: "quick_reply", title: q.title, payload: q.payload, image: q.image_url }));
  if (!thread.messages.length && !thread.get_started) {
    items = (thread.ice_breakers || []).map((b) => ({ kind: "postback", title: b.question, payload: b.payload }));
  }
  $("quick").hidden = items.length === 0;
  $("quick").replaceChildren(...items.map((q) => h("button", {
    type: "button", class: "chip", dir: "auto", onclick: () => { tap(q.kind, q.payload, q.title); $("text").focus({ preventScroll: true }); },
  }, [q.title])));
}

function drawMenu() {
  const items = (state.thread.menu || []).map((item) => {
    if (item.type.toLowerCase() === "web_url") {
      return h("a", { href: item.url, target: "_blank", rel: "noopener noreferrer", dir: "auto", onclick: () => openMenu(false) }, [item.title]);
    }
    return h("button", { type: "button", dir: "auto", onclick: () => { openMenu(false); tap("menu", item.payload, item.title); } }, [item.title]);
  });
  $("sheet").replaceChildren(
    h("div", { class: "sheet-head" }, [h("h2", {}, [word("menu")]),
      h("button", { type: "button", class: "icon", "aria-label": word("close"), onclick: () => openMenu(false) }, ["✕"])]),
    ...items,
  );
}

function openMenu(open) {
  const was = !$("sheet").hidden;
  $("sheet").hidden = $("scrim").hidden = !open;
  $("menu-button").setAttribute("aria-expanded", String(open));
  $("log").inert = $("dock").inert = open;
  if (open) $("sheet").querySelector("a, .sheet-head ~ button")?.focus();
  else if (was) $("menu-button").focus();
}

function drawThreads() {
  $("threads").replaceChildren(...state.list.map((item) => {
    const current = item.page === state.page;
    const said = item.last ? preview(item.last, word) : word("no_messages");
    return h("li", {}, [h("a", {
      href: `/chat?${new URLSearchParams({ page: item.page, user })}`, class: "thread", "aria-current": current ? "page" : null,
    }, [
      avatar(h("span", { class: "avatar", "aria-hidden": "true" }), item),
      h("span", { class: "thread-text" }, [
        h("span", { class: "thread-name" }, [h("bdi", {}, [item.name])]),
        h("span", { class: "thread-time" }, [item.last ? clockTime(item.last.at_ms, locale()) : ""]),
        h("span", { class: "thread-last" }, [
          item.last?.from === "user" ? h("span", {}, [word("you_said")]) : "", h("bdi", {}, [said]),
        ]),
        item.unread && !current ? h("span", { class: "unread" }, [String(item.unread)]) : "",
      ]),
    ])]);
  }));
}

function drawWire() {
  const entries = state.thread.wire;
  const open = new Set([...$("wire").querySelectorAll("details[open]")].map((d) => d.dataset.seq));
  const items = entries.toReversed().map((e) => wireItem(e, { word, locale: locale(), raw: state.raw, open: open.has(String(e.seq)) }));
  $("wire").replaceChildren(...(items.length ? items : [h("li", { class: "wire-empty" }, [word("meta_empty")])]));
}

function drawWindow() {
  const { window_ends_ms: ends } = state.thread;
  const left = ends ? ends - (Date.now() + state.skew) : 0;
  const hours = Math.floor(left / 3600000);
  const minutes = Math.floor((left % 3600000) / 60000);
  const time = arabic() ? `${hours} س ${minutes} د` : `${hours} h ${minutes} m`;
  $("window").hidden = !ends;
  $("window").classList.toggle("shut", left <= 0);
  $("window").textContent = left > 0 ? word("window_open", { left: time }) : word("window_closed");
  $("clock").textContent = clockTime(Date.now() + state.skew, "en-US").replace(/\s?[AP]M/i, "");
}

// Keeps the newest in sight, unless the person has scrolled up.
let follow = true;
$("log").addEventListener("scroll", () => {
  const log = $("log");
  follow = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
});
function stick(force) {
  if (force || follow) requestAnimationFrame(() => { $("log").scrollTop = $("log").scrollHeight; });
}

// ---- acting

async function tap(kind, payload, title) {
  try {
    follow = true;
    await call("/chat/api/tap", { ...where(), kind, payload: payload ?? "", title: title ?? "" });
  } catch { banner("unreachable"); }
}

async function say(event) {
  event?.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  grow();
  try {
    follow = true;
    await call("/chat/api/say", { ...where(), text });
    banner();
  } catch {
    $("text").value = text;
    grow();
    banner("unreachable");
  }
}

let reading = false;
async function markRead() {
  const unread = state.thread?.messages.some((m) => m.from === "page" && m.progress !== "read");
  if (!unread || reading || document.visibilityState !== "visible") return;
  reading = true;
  try { await call("/chat/api/read", where()); } catch { /* the next update tries again */ }
  reading = false;
}

function banner(name) {
  $("banner").hidden = !name;
  $("banner").textContent = name ? word(name) : "";
}

function grow() {
  const text = $("text");
  text.style.blockSize = "auto";
  text.style.blockSize = `${Math.min(text.scrollHeight, 120)}px`;
  $("send").disabled = !text.value.trim();
}

const setLocale = (value) => call("/chat/api/locale", { user, locale: value }).catch(() => banner("unreachable"));

// ---- live updates

function onUpdate(update) {
  if (update.type === "resync" || update.type === "locale") return void load();
  if (update.type === "log") return control.note(update.entry);
  if (update.type === "control") return control.changed();
  if (update.type === "message") noteInList(update);
  if (update.page !== state.page) return;
  const { thread } = state;
  if (update.type === "profile" || update.type === "owner") { control.changed(); return void load(); }
  if (update.type === "typing") return typing(update.on);
  if (update.type === "seen") { thread.page_seen_ms = update.at_ms; return regroup(); }
  if (update.type === "wire") {
    thread.wire.push(update.entry);
    if (thread.wire.length > 200) thread.wire.shift();
    return drawWire();
  }
  if (update.type !== "message") return;
  const { message } = update;
  const i = thread.messages.findIndex((m) => m.seq === message.seq);
  if (i >= 0) thread.messages[i] = message;
  else {
    thread.messages.push(message);
    if (message.from === "page") typing(false);
    if (message.from === "user") thread.window_ends_ms = Math.max(thread.window_ends_ms || 0, message.at_ms + 86400000);
  }
  drawMessage(message, true);
  regroup();
  drawDock();
  drawWindow();
  stick(message.from === "user" && i < 0);
  markRead();
}

function noteInList({ page, message }) {
  const item = state.list.find((t) => t.page === page);
  if (!item || message.from === "system") return;
  if (!item.last || message.seq > item.last.seq) {
    item.last = message;
    if (message.from === "page") item.unread += 1;
  }
  if (page === state.page) item.unread = 0;
  drawThreads();
}

function listen() {
  const source = new EventSource(`/chat/events?${new URLSearchParams({ user })}`);
  let ready = load();
  let lost = false;
  source.onopen = () => { if (lost) { lost = false; banner(); ready = load(); } };
  source.onmessage = async (event) => { await ready; onUpdate(JSON.parse(event.data)); };
  source.onerror = () => { lost = true; banner("reconnecting"); };
  ready.catch(() => banner("unreachable"));
}

// ---- wiring

$("composer").addEventListener("submit", say);
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) say(event);
});
$("start-button").addEventListener("click", () => tap("get_started", state.thread.get_started.payload, word("get_started")));
$("menu-button").addEventListener("click", () => openMenu($("sheet").hidden));
$("scrim").addEventListener("click", () => openMenu(false));
$("flip").addEventListener("click", () => setLocale(arabic() ? "en_US" : "ar_AR"));
for (const node of document.querySelectorAll("[data-locale]")) node.addEventListener("click", () => setLocale(node.dataset.locale));
$("back").addEventListener("click", () => document.body.classList.toggle("show-side"));
$("raw").addEventListener("change", () => { state.raw = $("raw").checked; drawWire(); });
$("meta-toggle").addEventListener("click", () => {
  document.body.classList.toggle("meta-closed");
  labelPanel();
});
function showTab(name) {
  for (const tab of ["wire", "control"]) {
    const on = tab === name;
    $(`tab-${tab}`).setAttribute("aria-selected", String(on));
    $(`tab-${tab}`).tabIndex = on ? 0 : -1;
    $(`pane-${tab}`).hidden = !on;
  }
  $("meta-title").dataset.word = name === "control" ? "c_control" : "meta";
  $("meta-title").textContent = word($("meta-title").dataset.word);
  if (name === "control") control.load();
}
for (const tab of ["wire", "control"]) {
  $(`tab-${tab}`).addEventListener("click", () => showTab(tab));
  $(`tab-${tab}`).addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tab === "wire" ? "control" : "wire";
    showTab(other);
    $(`tab-${other}`).focus();
  });
}
if (query.get("panel") === "control") showTab("control");
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("sheet").hidden) openMenu(false);
});
document.addEventListener("visibilitychange", markRead);
setInterval(drawWindow, 15000);
listen();
