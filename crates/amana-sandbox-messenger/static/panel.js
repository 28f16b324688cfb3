// "What Meta sees": one line per exchange, the JSON behind it.
import { h } from "/chat/bubbles.js";

export function wireItem(entry, { word, locale, raw, open }) {
  const send = entry.direction === "send";
  const parsed = parse(entry.request);
  const kind = send ? word(`ev_${entry.title.split(" · ")[1] || "send"}`) : word(`ev_${entry.title}`);
  const good = entry.status === 200;
  const status = entry.status ? String(entry.status) : word("no_answer");
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(entry.at_ms);
  const body = [h("pre", { dir: "ltr", tabindex: "0" }, raw ? [entry.request] : colour(parsed ?? entry.request))];
  if (entry.response) body.push(h("pre", { dir: "ltr", class: "reply", tabindex: "0" }, raw ? [entry.response] : colour(parse(entry.response) ?? entry.response)));
  return h("li", { class: `wire-item ${send ? "send" : "hook"}` }, [h("details", { "data-seq": entry.seq, open }, [
    h("summary", {}, [
      h("span", { class: "wire-way" }, [word(send ? "from_bank" : "to_bank")]),
      h("span", { class: "wire-kind" }, [kind]),
      h("span", { class: `wire-status ${good ? "good" : "bad"}` }, [h("bdi", { dir: "ltr" }, [entry.took_ms === null ? status : `${status} · ${entry.took_ms} ms`])]),
      h("span", { class: "wire-gist" }, [gist(parsed, send) ? h("bdi", {}, [gist(parsed, send)]) : ""]),
      h("time", { class: "wire-time" }, [time]),
    ]),
    ...body,
  ])]);
}

const parse = (text) => { try { return JSON.parse(text); } catch { return null; } };

// The part of an exchange that says something, in one line.
function gist(json, send) {
  if (!json) return "";
  const item = send ? json : (json.entry?.[0]?.messaging ?? json.entry?.[0]?.standby)?.[0];
  const message = item?.message;
  const payload = message?.attachment?.payload || message?.attachments?.[0]?.payload;
  const receipt = payload?.template_type === "receipt" && `${payload.merchant_name || payload.order_number} · ${payload.summary?.total_cost} ${payload.currency}`;
  return message?.text || payload?.text || receipt || payload?.elements?.[0]?.title
    || message?.template?.name || item?.postback?.title || item?.account_linking?.status || "";
}

// Indented JSON with quiet colours for keys, strings and numbers.
function colour(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d+(?:\.\d+)?|true|false|null)/u).map((part, i) => {
    if (i % 2 === 0) return part;
    const kind = part.endsWith(":") ? "k" : part.startsWith('"') ? "s" : "n";
    return h("span", { class: kind }, [part]);
  });
}
