// The control panel: the same switches as the control API, for people. Built once per language, then kept in step.
import { h } from "/chat/bubbles.js";
import { anyCall, settingsFields } from "/chat/verbs.js";

const SWITCHES = ["duplicate", "reorder", "echo_first", "drop_echo", "loose_types", "token_dead"];
const ONCE = ["drop_connection_next", "lose_request_next", "sent_error_next", "lose_answer_next"];
const ERRORS = ["2", "1200", "10/2018278", "190/460", "551/1545041", "613"];
const THROTTLES = ["4", "32", "613", "80006"];
const REACHES = ["open", "blocked", "unavailable", "gone", "automated", "flooded"];
// What a token, or the app behind it, may lack.
const PERMISSIONS = ["pages_messaging", "pages_manage_metadata", "pages_utility_messaging", "pages_user_locale", "human_agent"];
const TOKENS = ["alive", "password_changed", "expired", "app_removed", "invalid"];
const DELAYS = [0, 500, 2000, 10000];
const JUMPS = [[3600, "c_hour"], [86400, "c_day"], [604800, "c_week"]];
const BATCH = 8;
// Longer than any client waits.
const HANG_MS = 60000;
const INBOX = "263902037430900";
const LOG_LINES = 150;

/** Builds the panel in `root`. `tools`: word, locale, place() (page and user), thread(), trouble(). */
export function controlPanel(root, tools) {
  const { word } = tools;
  let parts = {};
  let known = { faults: {}, chaos: null, counts: {}, clock: null, pages: [], settings: {} };
  let log = [];
  let skew = 0;

  async function call(path, body) {
    const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`/control/${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
  }
  const act = (work) => async (event) => {
    try { await work(event); } catch { tools.trouble(); }
    await load();
  };
  const person = (what, body) => call(`users/${encodeURIComponent(tools.place().user)}/${what}`, { page: tools.place().page, ...body });
  const ownPage = () => known.pages.find((p) => p.id === tools.place().page) || {};
  const setPage = (change) => call(`pages/${tools.place().page}`, change);

  /** Does something with the newest message of a side that is still there. */
  function own(from, work) {
    const message = tools.thread().messages.toReversed().find((m) => m.from === from && m.mid && !m.body.deleted);
    return message && work(message.mid);
  }

  // ---- pieces

  let ids = 0;
  const section = (title, children, open = true) => h("details", { class: "c-section", open }, [h("summary", {}, [word(title)]), ...children]);
  const row = (...children) => h("div", { class: "c-row" }, children);
  const button = (label, work, kind = "") => h("button", { type: "button", class: `c-button ${kind}`, onclick: act(work) }, [label]);
  function toggle(name, label, work) {
    const input = h("input", { type: "checkbox", role: "switch", class: "c-switch", onchange: act((event) => work(event.target.checked)) });
    parts[name] = input;
    return h("label", { class: "c-toggle" }, [h("span", {}, [label]), input]);
  }
  function choice(name, label, options, work) {
    const id = `c-${ids += 1}`;
    const select = h("select", { id, onchange: work && act((event) => work(event.target.value)) },
      options.map(([value, text]) => h("option", { value }, [text])));
    parts[name] = select;
    return h("div", { class: "c-toggle" }, [h("label", { for: id }, [label]), select]);
  }

  // ---- building

  function build() {
    parts = {};
    const now = h("strong", { class: "c-clock" });
    parts.now = now;
    parts.window = h("span", { class: "c-state" });
    parts.owner = h("span", { class: "c-state" });
    parts.hooks = h("p", { class: "c-note" });
    const said = h("input", { type: "text", class: "c-text", dir: "auto", maxlength: "1999", "aria-label": word("c_agent_text"), placeholder: word("c_agent_text") });
    const seed = h("input", { type: "number", class: "c-number", min: "0", max: "999999999", value: "7", "aria-label": word("c_seed") });
    parts.counts = h("p", { class: "c-note" });
    parts.settings = settingsFields({ call, act });
    parts.log = h("ol", { class: "c-log", tabindex: "0", "aria-label": word("c_log") });
    const reply = async () => {
      await person("inbox", { do: "reply", text: said.value.trim() || word("c_agent_hello") });
      said.value = "";
    };
    root.replaceChildren(
      section("c_clock", [
        row(now, toggle("frozen", word("c_freeze"), (on) => call("clock", { freeze: on }))),
        row(...JUMPS.map(([s, label]) => button(word(label), () => call("clock", { advance_s: s })))),
      ]),
      section("c_chat", [
        h("dl", { class: "c-facts" }, [
          h("dt", {}, [word("c_window")]), h("dd", {}, [parts.window]),
          h("dt", {}, [word("c_owner")]), h("dd", {}, [parts.owner]),
        ]),
        choice("reach", word("c_person"), REACHES.map((r) => [r, word(`c_reach_${r}`)]), (reach) => person("reach", { reach })),
        row(said, button(word("c_agent_reply"), reply)),
        row(
          button(word("c_agent_take"), () => person("inbox", { do: "take" })),
          button(word("c_agent_pass"), () => person("inbox", { do: "pass" })),
          button(word("c_agent_done"), () => person("inbox", { do: "done" })),
        ),
        row(
          button(word("c_take_back"), () => own("user", (mid) => person("act", { kind: "unsend", mid }))),
          button(word("c_react"), () => own("page", (mid) => person("act", { kind: "reaction", mid, reaction: "like", emoji: "\u{1F44D}" }))),
        ),
      ]),
      section("c_page", [
        choice("token", word("c_token"), TOKENS.map((t) => [t, word(`c_token_${t}`)]), (token) => setPage({ token })),
        choice("default_app", word("c_default_app"),
          [["", word("c_none")], ["ours", word("c_ours")], [INBOX, word("c_inbox")]],
          (app) => setPage({ default_app: app === "ours" ? tools.thread().app_id : app })),
        toggle("restricted", word("c_restricted"), (on) => setPage({ restricted: on })),
        row(button(word("c_warn"), () => setPage({ warning: "test" }))),
        h("p", { class: "c-note" }, [word("c_permissions")]),
        ...PERMISSIONS.map((name) => toggle(`has_${name}`, h("bdi", { dir: "ltr" }, [name]), (on) => {
          const denied = (ownPage().denied || []).filter((one) => one !== name);
          return setPage({ denied: on ? denied : [...denied, name] });
        })),
        parts.hooks,
      ]),
      section("c_faults", [
        ...SWITCHES.map((name) => toggle(name, word(`c_${name}`), (on) => call("faults", { [name]: on }))),
        toggle("batch", word("c_batch"), (on) => call("faults", { batch: on ? BATCH : 0 })),
        choice("delay_ms", word("c_delay"), DELAYS.map((ms) => [String(ms), ms ? word("c_seconds", { n: ms / 1000 }) : word("c_none")]),
          (ms) => call("faults", { delay_ms: Number(ms) })),
        h("div", { class: "c-grid" }, ONCE.map((name) => {
          const count = h("span", { class: "c-count", hidden: true });
          parts[name] = count;
          const once = button(word(`c_${name}`), () => call("faults", { [name]: (known.faults[name] || 0) + 1 }));
          once.append(count);
          return once;
        })),
        row(button(word("c_hang"), () => call("faults", { slow_next: { ms: HANG_MS, times: 1 } }))),
        row(choice("error", word("c_fail"), ERRORS.map((e) => [e, e])), button(word("c_once"), () => {
          const [code, subcode] = parts.error.value.split("/").map(Number);
          return call("faults", { fail_next: { code, subcode, times: 1 } });
        })),
        row(choice("throttle", word("c_throttle"), THROTTLES.map((c) => [c, c])),
          button(word("c_minute"), () => call("faults", { throttle: { code: Number(parts.throttle.value), for_s: 60 } }))),
      ]),
      section("c_chaos", [
        row(h("label", { class: "c-toggle" }, [h("span", {}, [word("c_seed")]), seed]),
          toggle("chaos", word("c_chaos_on"), (on) => call("chaos", on ? { seed: Number(seed.value) || 0 } : { off: true }))),
        parts.counts,
      ], false),
      section("c_settings", [parts.settings.node], false),
      section("c_any", anyCall({ act, tools }), false),
      section("c_log", [parts.log]),
      row(button(word("c_reset"), () => call("reset", {}), "c-danger")),
    );
    sync();
    drawLog();
  }

  // ---- keeping in step

  function sync() {
    const thread = tools.thread();
    if (!parts.now || !known.clock || !thread) return;
    const { faults } = known;
    for (const name of SWITCHES) parts[name].checked = Boolean(faults[name]);
    parts.batch.checked = faults.batch > 1;
    parts.delay_ms.value = String(DELAYS.includes(faults.delay_ms) ? faults.delay_ms : 0);
    for (const name of ONCE) {
      parts[name].hidden = !faults[name];
      parts[name].textContent = String(faults[name] || "");
    }
    parts.frozen.checked = known.clock.frozen;
    parts.chaos.checked = Boolean(known.chaos);
    const counts = Object.entries(known.counts).map(([name, n]) => `${name} ${n}`).join(" · ");
    parts.counts.textContent = counts;
    parts.counts.dir = "ltr";
    parts.counts.hidden = !counts;
    parts.reach.value = thread.reach;
    const page = ownPage();
    parts.token.value = page.token || "alive";
    parts.restricted.checked = Boolean(page.restricted);
    for (const name of PERMISSIONS) parts[`has_${name}`].checked = !(page.denied || []).includes(name);
    parts.default_app.value = !page.default_app ? "" : page.default_app === thread.app_id ? "ours" : page.default_app;
    parts.hooks.textContent = page.failing_since_ms ? word(page.alerted ? "c_alerted" : "c_failing")
      : page.subscribed_fields?.length ? word("c_subscribed", { n: page.subscribed_fields.length }) : word("c_unsubscribed");
    parts.hooks.classList.toggle("bad", Boolean(page.failing_since_ms) || !page.subscribed_fields?.length);
    parts.settings.show(known.settings);
    tick();
  }

  const time = (ms) => new Intl.DateTimeFormat(tools.locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);

  function tick() {
    if (!parts.now?.isConnected || !known.clock) return;
    const now = known.clock.frozen ? known.clock.now_ms : Date.now() + skew;
    parts.now.textContent = new Intl.DateTimeFormat(tools.locale(), { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(now);
    const { window_ends_ms: ends, owner } = tools.thread();
    const left = ends ? ends - now : 0;
    const span = word("c_span", { h: Math.floor(left / 3600000), m: Math.floor((left % 3600000) / 60000) });
    parts.window.textContent = left > 0 ? span : word("c_closed");
    parts.window.classList.toggle("bad", left <= 0);
    const held = owner && owner.until_ms > now ? owner.app : null;
    parts.owner.textContent = held === tools.thread().app_id ? word("c_ours") : held === INBOX ? word("c_inbox") : held || word("c_idle");
  }

  function line(entry) {
    const good = entry.status === null ? entry.kind === "state" : entry.status === 200;
    const what = entry.kind === "state" ? word("c_state") : word(entry.kind === "webhook" ? "to_bank" : "from_bank");
    // Each piece runs its own way: "no answer" is a word of the page's language, the numbers are not.
    const pieces = entry.kind === "state" ? [] : [
      String(entry.status ?? word("no_answer")), entry.attempt > 1 && `×${entry.attempt}`, entry.took_ms !== null && `${entry.took_ms} ms`,
    ].filter(Boolean);
    const status = pieces.flatMap((piece, i) => [i ? " · " : "", h("bdi", {}, [piece])]);
    return h("li", { class: good ? "" : "bad" }, [
      h("time", {}, [time(entry.at_ms)]),
      h("span", { class: "c-kind" }, [what]),
      h("span", { class: "c-title" }, [h("bdi", { dir: "ltr" }, [entry.title])]),
      h("span", { class: "c-status" }, status),
      entry.note ? h("span", { class: "c-why" }, [h("bdi", { dir: "ltr" }, [entry.note])]) : "",
    ]);
  }

  function drawLog() {
    const lines = log.slice(-LOG_LINES).toReversed().map(line);
    parts.log?.replaceChildren(...(lines.length ? lines : [h("li", { class: "c-empty" }, [word("meta_empty")])]));
  }

  async function load() {
    try {
      const [faults, chaos, clock, pages, settings, lines] = await Promise.all(["faults", "chaos", "clock", "pages", "settings", "log"].map((what) => call(what)));
      skew = clock.now_ms - Date.now();
      known = { faults, chaos: chaos.chaos, counts: chaos.counts, clock, pages, settings };
      log = lines;
    } catch { tools.trouble(); }
    sync();
    drawLog();
  }

  const shown = () => root.isConnected && !root.hidden;
  setInterval(() => { if (shown()) tick(); }, 1000);
  let pending;
  return {
    build,
    load,
    sync,
    /** A live update of the event log. */
    note(entry) {
      log.push(entry);
      if (log.length > 2 * LOG_LINES) log = log.slice(-LOG_LINES);
      if (shown() && parts.log) {
        parts.log.querySelector(".c-empty")?.remove();
        parts.log.prepend(line(entry));
        while (parts.log.childElementCount > LOG_LINES) parts.log.lastElementChild.remove();
      }
    },
    /** Something changed: looks again, not more than a few times a second. */
    changed() {
      if (!shown() || pending) return;
      pending = setTimeout(() => { pending = undefined; load(); }, 150);
    },
  };
}
