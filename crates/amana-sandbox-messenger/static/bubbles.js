// How a message looks: bubbles, button cards, carousels, receipts. Everything is built as nodes, nothing as HTML text.

export function h(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

export const clockTime = (ms, locale) => new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }).format(ms);

export function dayLine(ms, skew, word, locale) {
  const now = new Date(Date.now() + skew);
  const day = (d) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const apart = Math.round((day(now) - day(new Date(ms))) / 86400000);
  const date = apart === 0 ? word("today") : apart === 1 ? word("yesterday")
    : new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" }).format(ms);
  return h("p", { class: "day" }, [h("time", { datetime: new Date(ms).toISOString() }, [`${date} · ${clockTime(ms, locale)}`])]);
}

// One line for the list of chats.
export function preview(message, word) {
  const payload = message.body.attachment?.payload;
  if (message.body.text) return message.body.text;
  if (payload?.template_type?.toLowerCase() === "receipt") return word("receipt");
  return payload?.text || payload?.elements?.[0]?.title || "…";
}

export function bubbleBody(message, tools) {
  const payload = message.body.attachment?.payload;
  switch (payload?.template_type?.toLowerCase()) {
    case "button": return buttonCard(payload, tools);
    case "generic": return carousel(payload, tools);
    case "receipt": return receipt(payload, tools);
    case "media": return buttonCard({ text: `[${payload.elements?.[0]?.media_type || "media"}]`, buttons: payload.elements?.[0]?.buttons }, tools);
    case "coupon": return buttonCard({ text: [payload.title, payload.coupon_code].filter(Boolean).join(" · "), buttons: [] }, tools);
    case "customer_feedback":
    case "image_grid":
    case "one_time_notif_req": return h("div", { class: "bubble", dir: "auto" }, [payload.title || payload.elements?.[0]?.title || "…"]);
    default: return media(message) || plain(message, tools);
  }
}

function plain(message, tools) {
  if (message.body.deleted) return h("div", { class: "bubble" }, [h("i", {}, [tools.word("deleted")])]);
  return h("div", { class: "bubble", dir: "auto" }, linked(message.body.text || "…"));
}

// Pictures; of the rest its kind and address.
function media(message) {
  const found = message.body.attachments || (message.body.attachment ? [message.body.attachment] : []);
  if (!found.length) return null;
  return h("div", { class: "bubble" }, found.map((item) => (item.type.toLowerCase() === "image"
    ? h("img", { class: "media", src: item.payload?.url, alt: "", loading: "lazy" })
    : h("a", { href: item.payload?.url, target: "_blank", rel: "noopener noreferrer", dir: "ltr" }, [`[${item.type}] ${item.payload?.url || ""}`]))));
}

// Text with its web addresses made into links.
function linked(text) {
  const parts = text.split(/(https?:\/\/[^\s<>"\u2068\u2069]+[^\s<>"'.,;:!?)\u2068\u2069])/u);
  return parts.map((part, i) => (i % 2 ? h("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, [part]) : part));
}

function buttons(list, tools) {
  return h("div", { class: "buttons" }, (list || []).map((button) => {
    const tab = { target: "_blank", rel: "noopener noreferrer", class: "button", dir: "auto" };
    switch (button.type.toLowerCase()) {
      case "web_url": return h("a", { ...tab, href: button.url }, [button.title, away(tools)]);
      case "account_link": return h("a", { ...tab, class: "button login", href: tools.link }, [tools.word("login"), away(tools)]);
      case "account_unlink": return h("button", { type: "button", class: "button", onclick: () => tools.tap("account_unlink") }, [tools.word("logout")]);
      case "phone_number": return h("a", { class: "button", dir: "auto", href: `tel:${button.payload}` }, [button.title]);
      default: return h("button", { type: "button", class: "button", dir: "auto", onclick: () => tools.tap("postback", button.payload, button.title) }, [button.title]);
    }
  }));
}

const away = (tools) => h("span", { class: "hidden" }, [` (${tools.word("opens_tab")})`]);

function buttonCard(payload, tools) {
  return h("div", { class: "bubble card" }, [h("p", { class: "card-text", dir: "auto" }, linked(payload.text)), buttons(payload.buttons, tools)]);
}

function carousel(payload, tools) {
  const cards = payload.elements.map((element) => h("article", { class: "slide" }, [
    element.image_url ? h("img", { src: element.image_url, alt: "", loading: "lazy" }) : null,
    h("div", { class: "slide-text" }, [
      h("h3", { dir: "auto" }, [element.default_action?.url
        ? h("a", { href: element.default_action.url, target: "_blank", rel: "noopener noreferrer" }, [element.title]) : element.title]),
      element.subtitle ? h("p", { dir: "auto" }, [element.subtitle]) : null,
    ]),
    element.buttons?.length ? buttons(element.buttons, tools) : null,
  ]));
  if (cards.length === 1) return h("div", { class: "single" }, cards);
  const track = h("div", { class: "track", tabindex: "0", role: "group" }, cards);
  const move = (step) => track.scrollBy({ left: step * 244 * (document.dir === "rtl" ? -1 : 1), behavior: "smooth" });
  return h("div", { class: "carousel" }, [track, h("div", { class: "arrows" }, [
    h("button", { type: "button", class: "icon", "aria-label": tools.word("previous"), onclick: () => move(-1) }, ["‹"]),
    h("button", { type: "button", class: "icon", "aria-label": tools.word("next"), onclick: () => move(1) }, ["›"]),
  ])]);
}

function receipt(payload, tools) {
  const { word } = tools;
  const money = (value, currency = payload.currency) => {
    let text;
    try {
      // Without the direction marks that the Arabic pattern holds: the element isolates and orders the amount itself.
      text = new Intl.NumberFormat(tools.locale, { style: "currency", currency }).format(Number(value)).replace(/[\u200e\u200f\u061c]/g, "");
    } catch { text = `${value} ${currency}`; }
    return h("bdi", { dir: "ltr" }, [text]);
  };
  const line = (label, value, kind = "") => value === undefined || value === null ? null
    : h("div", { class: `line ${kind}` }, [h("span", { dir: "auto" }, [label]), value]);
  const sum = payload.summary;
  const amount = (label, value, kind) => (value === undefined || value === null ? null : line(label, money(value), kind));
  const items = (payload.elements || []).map((item) => h("li", {}, [
    item.image_url ? h("img", { src: item.image_url, alt: "", loading: "lazy" }) : null,
    h("div", { class: "item-text" }, [
      h("span", { class: "item-title", dir: "auto" }, [item.title]),
      item.subtitle ? h("span", { class: "item-sub", dir: "auto" }, [item.subtitle]) : null,
      item.quantity > 1 ? h("span", { class: "item-sub" }, [word("quantity", { n: item.quantity })]) : null,
    ]),
    money(item.price, item.currency || payload.currency),
  ]));
  const place = payload.address;
  const address = place && [place.street_1, place.street_2, place.city, [place.state, place.postal_code].filter(Boolean).join(" "), place.country].filter(Boolean).join(", ");
  const when = Number(payload.timestamp);
  return h("article", { class: "receipt" }, [
    h("header", {}, [
      h("span", { class: "receipt-mark", "aria-hidden": "true" }),
      h("div", {}, [
        h("h3", {}, [h("bdi", {}, [payload.merchant_name || word("receipt")])]),
        h("p", {}, [`${word("order")} `, h("bdi", {}, [payload.order_number])]),
      ]),
      h("strong", { class: "receipt-total" }, [money(sum.total_cost)]),
    ]),
    items.length ? h("ul", {}, items) : null,
    h("div", { class: "sums" }, [
      amount(word("subtotal"), sum.subtotal),
      amount(word("shipping"), sum.shipping_cost),
      amount(word("tax"), sum.total_tax),
      ...(payload.adjustments || []).map((a) => amount(a.name || "", a.amount)),
      amount(word("total"), sum.total_cost, "total"),
    ].filter(Boolean)),
    h("footer", {}, [
      line(word("paid_with"), h("bdi", {}, [payload.payment_method])),
      address ? line(word("ship_to"), h("bdi", {}, [address])) : null,
      line(word("for_person"), h("bdi", {}, [payload.recipient_name])),
      when ? h("p", { class: "receipt-when" }, [new Intl.DateTimeFormat(tools.locale, { dateStyle: "medium", timeStyle: "short" }).format(when * 1000)]) : null,
    ].filter(Boolean)),
    payload.order_url ? h("div", { class: "buttons" }, [h("a", { class: "button", href: payload.order_url, target: "_blank", rel: "noopener noreferrer" }, [word("view_order"), away(tools)])]) : null,
  ]);
}
