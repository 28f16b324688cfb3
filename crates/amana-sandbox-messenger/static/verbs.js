// The part of the control panel that leaves nothing out: every call of the control API with a body to begin from, and
// every setting, as the API itself lists them. What is here often has a switch of its own in control.js.
import { h } from "/chat/bubbles.js";

const IMAGE = "https://www.example.com/picture.png";
// [call, body]: {page}, {user} and {mid} become those of the open chat; {mine} and {theirs} are its newest messages.
export const VERBS = [
  ["users/{user}/say", { page: "{page}", text: "hello" }],
  ["users/{user}/tap", { page: "{page}", kind: "postback", payload: "PAYLOAD", title: "Title" }],
  ["users/{user}/read", { page: "{page}" }],
  ["users/{user}/locale", { locale: "ar_AR" }],
  ["users/{user}/act", { page: "{page}", kind: "attachment", type: "image", url: IMAGE }],
  ["users/{user}/act", { page: "{page}", kind: "sticker", sticker_id: 369239263222822 }],
  ["users/{user}/act", { page: "{page}", kind: "reply", mid: "{theirs}", text: "about that" }],
  ["users/{user}/act", { page: "{page}", kind: "reaction", mid: "{theirs}", reaction: "like", emoji: "\u{1F44D}", unreact: false }],
  ["users/{user}/act", { page: "{page}", kind: "edit", mid: "{mine}", text: "what I meant" }],
  ["users/{user}/act", { page: "{page}", kind: "unsend", mid: "{mine}" }],
  ["users/{user}/act", { page: "{page}", kind: "unsupported" }],
  ["users/{user}/act", { page: "{page}", kind: "referral", ref: "poster" }],
  ["users/{user}/act", { page: "{page}", kind: "ad_message", text: "about your offer", ad_id: "1" }],
  ["users/{user}/act", { page: "{page}", kind: "feedback", mid: "{theirs}", good: true }],
  ["users/{user}/act", { page: "{page}", kind: "survey", question: "q", answer: "5", more: "well done" }],
  ["users/{user}/act", { page: "{page}", kind: "optin", ref: "plugin" }],
  ["users/{user}/act", { page: "{page}", kind: "comment", text: "a question" }],
  ["users/{user}/act", { page: "{page}", kind: "post", text: "a question" }],
  ["users/{user}/act", { page: "{page}", kind: "notify_me", mid: "{theirs}" }],
  ["users/{user}/inbox", { page: "{page}", do: "reply", text: "Hello" }],
  ["users/{user}/inbox", { page: "{page}", do: "take" }],
  ["users/{user}/inbox", { page: "{page}", do: "pass", metadata: "why" }],
  ["users/{user}/inbox", { page: "{page}", do: "done" }],
  ["users/{user}/inbox", { page: "{page}", do: "request", app: "263902037430900" }],
  ["users/{user}/reach", { page: "{page}", reach: "open" }],
  ["users/{user}/data_deletion", { url: "https://bank.example/webhooks/messenger/data-deletion" }],
  ["users/{user}/deauthorize", { url: "https://bank.example/webhooks/messenger/deauthorise" }],
  ["templates/{page}/amana_news_1", { status: "APPROVED" }],
  ["templates/{page}/amana_news_1", { status: "REJECTED", reason: "INCORRECT_PARAMS", language: "en" }],
  ["templates/{page}/amana_news_1", { status: "PAUSED" }],
  ["pages/{page}", { default_app: "", apps: [], restricted: false, token: "alive", denied: [] }],
  ["faults", { fail_next: { code: 100, subcode: 1893061, times: 1 } }],
  ["faults", { throttle: { code: 17, for_s: 60 } }],
  ["faults", { usage: { app: 96, page: 96, regain_min: 5 } }],
  ["faults", { media_error: 2018008 }],
  ["faults", { slow_next: { ms: 2000, times: 1 }, delay_ms: 0, batch: 0, duplicate: false, reorder: false, loose_types: false,
    lose_answer_next: 0, drop_echo: false, echo_first: false, drop_connection_next: 0, lose_request_next: 0, sent_error_next: 0, token_dead: false }],
  ["chaos", { seed: 7, duplicate: 100, reorder: 100, delay: 100, lose_answer: 50, batch: 100, transient: 50, throttled: 10 }],
  ["chaos", { off: true }],
  ["seed", { seed: 7 }],
  ["clock", { advance_s: 3600 }],
  ["settings", { window_subcode: 2534022 }],
  ["webhook", { page: "{page}", user: "{user}", field: "messages", item: { message: { mid: "m_test", text: "as it is" } } }],
  ["reset", { all: true }],
];

const LOOKS = ["threads/{page}/{user}?messages_only=true", "sends", "webhooks", "log", "pages", "faults", "chaos", "settings", "clock"];
const REVIEWS = ["rules", "reject", "hold"];

/** Every setting as a field of its kind; `call` is the panel's. */
export function settingsFields({ call, act }) {
  const box = h("div", {}, []);
  const label = (name, field) => h("label", { class: "c-toggle" }, [h("bdi", { dir: "ltr" }, [name]), field]);
  const set = (name, value) => call("settings", { [name]: value });
  function field(name, value) {
    if (typeof value === "boolean") {
      const input = h("input", { type: "checkbox", role: "switch", class: "c-switch", onchange: act((event) => set(name, event.target.checked)) });
      input.checked = value;
      return input;
    }
    if (name === "template_review") {
      const select = h("select", { onchange: act((event) => set(name, event.target.value)) }, REVIEWS.map((one) => h("option", { value: one }, [one])));
      select.value = value;
      return select;
    }
    const number = typeof value === "number";
    const read = (text) => (number ? Number(text) : text.trim() || null);
    const input = h("input", { type: number ? "number" : "url", class: number ? "c-number" : "c-text", dir: "ltr", onchange: act((event) => set(name, read(event.target.value))) });
    input.value = value ?? "";
    return input;
  }
  return {
    node: box,
    show(settings) {
      // Not under the hand that types in it.
      if (box.contains(document.activeElement)) return;
      box.replaceChildren(...Object.entries(settings).map(([name, value]) => label(name, field(name, value))));
    },
  };
}

/** Any call: choose one, change its body, send it, see the answer. `tools` as the panel's. */
export function anyCall({ act, tools }) {
  const { word } = tools;
  const newest = (from) => tools.thread()?.messages.toReversed().find((m) => m.from === from && m.mid)?.mid || "";
  const fill = (text) => text.replaceAll("{page}", tools.place().page).replaceAll("{user}", tools.place().user)
    .replaceAll("{mine}", newest("user")).replaceAll("{theirs}", newest("page"));
  const says = ([path, body]) => [path, body.kind || body.do || body.status || Object.keys(body)[0]].filter(Boolean).join(" · ");
  const path = h("input", { type: "text", class: "c-text", dir: "ltr", "aria-label": word("c_call") });
  const body = h("textarea", { class: "c-text c-body", dir: "ltr", rows: "5", spellcheck: "false", "aria-label": word("c_body") });
  const answer = h("pre", { class: "c-answer", dir: "ltr", tabindex: "0", "aria-live": "polite" });
  const options = [
    ...VERBS.map((verb, i) => h("option", { value: String(i) }, [`POST ${says(verb)}`])),
    ...LOOKS.map((look) => h("option", { value: look }, [`GET ${look}`])),
  ];
  const select = h("select", { "aria-label": word("c_any"), onchange: () => choose() }, options);
  function choose() {
    const verb = VERBS[Number(select.value)];
    path.value = fill(verb ? verb[0] : select.value);
    body.value = verb ? fill(JSON.stringify(verb[1], null, 1)) : "";
  }
  const send = act(async () => {
    const text = body.value.trim();
    const init = text ? { method: "POST", headers: { "content-type": "application/json" }, body: text } : undefined;
    const encoded = path.value.split("?").map((part, i) => (i ? part : part.split("/").map((one) => encodeURIComponent(one)).join("/"))).join("?");
    const response = await fetch(`/control/${encoded}`, init);
    const said = await response.text();
    let shown = said;
    try { shown = JSON.stringify(JSON.parse(said), null, 1); } catch { /* It is shown as it is. */ }
    answer.textContent = `${response.status}\n${shown.slice(0, 4000)}`;
  });
  choose();
  return [
    h("div", { class: "c-toggle" }, [select]), h("div", { class: "c-row" }, [path]), body,
    h("div", { class: "c-row" }, [h("button", { type: "button", class: "c-button", onclick: send }, [word("c_send")])]), answer,
  ];
}
