// A customer at the sandbox bank's pages: a browser without scripts.

const USER = "layla";
const PASSWORD = "demo";

/** What stands in an attribute, as a browser reads it. */
const plain = (text) => text.replace(/&amp;/g, "&").replace(/&quot;/g, "\"").replace(/&#x27;|&#39;/g, "'").replace(/&#38;/g, "&");

/** The form of a page: where it goes, and its inputs. */
function formOf(html) {
  const action = /<form[^>]*\baction="([^"]*)"/.exec(html);
  if (!action) throw new Error(`no form: ${html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").slice(0, 300)}`);
  const inputs = [...html.matchAll(/<input\b[^>]*>/g)].map(([tag]) => ({
    name: /\bname="([^"]*)"/.exec(tag)?.[1],
    value: plain(/\bvalue="([^"]*)"/.exec(tag)?.[1] ?? ""),
  }));
  return { action: plain(action[1]), inputs };
}

export class Customer {
  cookies = new Map();

  async call(url, body) {
    const headers = { cookie: [...this.cookies].map((pair) => pair.join("=")).join("; ") };
    const answer = await fetch(url, { method: body ? "POST" : "GET", headers, body, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [pair] = cookie.split(";");
      this.cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const to = answer.headers.get("location");
    return { status: answer.status, to: to && new URL(to, url), html: await answer.text(), url };
  }

  /** Opens an address; the address that the browser is sent to. */
  async open(url) {
    return (await this.call(url)).to;
  }

  async status(url) {
    return (await this.call(url)).status;
  }

  async #submit(page, values) {
    const { action, inputs } = formOf(page.html);
    const token = inputs.find(({ name }) => name === "form_token");
    const body = new URLSearchParams([["form_token", token.value], ...values]);
    const answer = await this.call(new URL(action, page.url), body);
    if (!answer.to) throw new Error(`no redirect after ${action}: ${answer.status}`);
    return answer;
  }

  async #consentPage(url) {
    const to = await this.open(url);
    if (!to) throw new Error("the bank does not begin the sign-in");
    const login = await this.call(to);
    const signedIn = await this.#submit(login, [["username", USER], ["password", PASSWORD]]);
    return this.call(signedIn.to);
  }

  /** Signs in and allows every account; the callback's address. */
  async allow(url) {
    const page = await this.#consentPage(url);
    const accounts = formOf(page.html).inputs.filter(({ name }) => name === "account").map(({ value }) => ["account", value]);
    return (await this.#submit(page, [["decision", "allow"], ...accounts])).to;
  }

  async deny(url) {
    return (await this.#submit(await this.#consentPage(url), [["decision", "deny"]])).to;
  }
}
