// Our connector at a bank that is not ours: it links, reads, refreshes and revokes, bound by DPoP and by mutual TLS.

import { spawn } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

import { check, failed } from "./lib/amana.mjs";
import { pem } from "./lib/keys.mjs";
import { CLIENT, REDIRECT, SUBJECT, openBank } from "./lib/provider.mjs";

/** How long one answer of the connector may take. */
const ANSWER_MS = 60_000;
/** How many redirects and pages a login may have. */
const STEPS_MAX = 12;

/** The connector, on its string. */
function connector(settings) {
  const binary = process.env.AMANA_DRIVE ?? "../target/debug/examples/drive";
  const child = spawn(binary, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", resolve);
  });
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const send = (line) => child.stdin.write(`${line}\n`);
  const answer = async () => {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("no answer in time")), ANSWER_MS); });
    try {
      const { value, done } = await Promise.race([lines.next(), late]);
      if (done) throw new Error("the connector has ended");
      return JSON.parse(value);
    } finally {
      clearTimeout(timer);
    }
  };
  send(JSON.stringify(settings));
  return {
    async ask(command) {
      send(command);
      return answer();
    },
    async stop() {
      child.stdin.end();
      const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(killer);
    },
  };
}

/** One request of the browser. */
function fetchPage(url, method, cookies) {
  const send = url.protocol === "https:" ? secure : plain;
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  return new Promise((resolve, reject) => {
    const request = send(url, { method, ca: pem("tls/ca.pem"), headers: { cookie, accept: "text/html" } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => { text += chunk; });
      response.on("end", () => {
        for (const line of response.headers["set-cookie"] ?? []) {
          const [pair] = line.split(";");
          const at = pair.indexOf("=");
          cookies.set(pair.slice(0, at), pair.slice(at + 1));
        }
        resolve({ status: response.statusCode, location: response.headers.location, text });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

/** What the customer does: signs in, agrees, and is sent back. */
async function browse(address) {
  const cookies = new Map();
  let url = new URL(address);
  let method = "GET";
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const page = await fetchPage(url, method, cookies);
    method = "GET";
    if (page.location) {
      url = new URL(page.location, url);
      if (url.href.startsWith(REDIRECT)) return url.href;
    } else if (page.status === 200 && page.text.includes("<form method=\"post\">")) {
      method = "POST";
    } else {
      throw new Error(`${page.status} ${page.text.replace(/<[^>]+>/g, " ").slice(0, 300)}`);
    }
  }
  throw new Error("the login has no end");
}

/** Links, reads, refreshes and revokes. */
async function story(scope, bank, settings, dpop) {
  const ours = connector({
    profile: "fdx-blue", signed_requests: false, issuer: bank.issuer, api_url: bank.api, client_id: CLIENT, redirect_uri: REDIRECT, ...settings,
  });
  const held = (of) => ({ of, count: 3, whole: true, in: 120_000, out: 2_461 });
  const both = (reads) => isDeepStrictEqual(reads, {
    accounts: 2, skipped: 0, balances: [["acc-1", 12_050, 10_000], ["acc-2", 900, 900]], rows: [held("acc-1"), held("acc-2")],
  });
  try {
    await check(scope, "links", async () => {
      const begun = await ours.ask("link");
      if (!begun.authorize) throw new Error(JSON.stringify([begun, bank.seen.errors]));
      const linked = await ours.ask(await browse(begun.authorize));
      return { ...linked, errors: bank.seen.errors };
    }, (linked) => linked.subject === SUBJECT && linked.refresh_token && linked.key === dpop);
    await check(scope, "reads", () => ours.ask("read"), both);
    await check(scope, "refreshes, with the same refresh token and the same key", () => ours.ask("refresh"),
      (fresh) => fresh.new_access_token && fresh.same_refresh_token && fresh.same_key);
    bank.seen.nonce = "n-2";
    await check(scope, "reads with the new token", () => ours.ask("read"), both);
    await check(scope, "each token was shown with its proof", async () => ({ ...bank.seen, proofs: bank.seen.proofs.size }),
      (seen) => seen.bound >= 6 && (!dpop || seen.asked === 2));
    await check(scope, "revokes", () => ours.ask("revoke"), (said) => said.revoked);
    await check(scope, "nothing is read afterwards", () => ours.ask("read"), (said) => said.class === "relink-needed");
    await check(scope, "nothing is refreshed afterwards", () => ours.ask("refresh"), (said) => said.class === "relink-needed");
  } finally {
    await ours.stop();
  }
}

const keys = { keys: [{ ...createPublicKey(pem("p256.pem")).export({ format: "jwk" }), kid: "k1", use: "sig", alg: "ES256" }] };
const byKey = { sender: "dpop", private_key: pem("p256.pem"), private_key_id: "k1" };
const byCertificate = (name) => ({
  sender: "mtls", certificate: pem(`tls/${name}.pem`), certificate_key: pem(`tls/${name}.key.pem`), authorities: pem("tls/ca.pem"),
});

/** Runs with a bank of its own. */
async function at(scope, options, action) {
  const bank = await openBank(options);
  try {
    await action(bank);
  } catch (error) {
    await check(scope, "ran to its end", () => { throw error; });
  } finally {
    await bank.close();
  }
}

await at("oidc-provider with DPoP", { keys }, (bank) => story("oidc-provider with DPoP", bank, byKey, true));
await at("oidc-provider with DPoP and signed requests", { keys, signed: true }, (bank) =>
  story("oidc-provider with DPoP and signed requests", bank, { ...byKey, signed_requests: true }, true));
await at("oidc-provider with mTLS", { mtls: true }, async (bank) => {
  await story("oidc-provider with mTLS", bank, byCertificate("client"), false);
  const stranger = connector({
    profile: "fdx-blue", signed_requests: false, issuer: bank.issuer, api_url: bank.api, client_id: CLIENT, redirect_uri: REDIRECT, ...byCertificate("stranger"),
  });
  await check("oidc-provider with mTLS", "another one's certificate is refused", () => stranger.ask("link"), (said) => said.class === "our-request" && said.error.includes("invalid_client"));
  await stranger.stop();
});
process.exitCode = failed() ? 1 : 0;
