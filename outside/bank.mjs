// panva's `openid-client`, a certified FAPI 2.0 client, at the sandbox bank in the profile Blue: the whole way with DPoP and
// with mutual TLS, and what the bank must refuse.

import { randomUUID, webcrypto } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as oauth from "openid-client";
import { Agent, fetch as fetchWith } from "undici";

import { check, failed, start } from "./lib/amana.mjs";
import { Customer } from "./lib/customer.mjs";
import { file, pem } from "./lib/keys.mjs";

const CALLBACK = "http://127.0.0.1:4000/callback";
const SCOPE = "openid offline_access fdx:accountbasic:read fdx:balances:read fdx:transactions:read";
const DETAILS = JSON.stringify([{
  type: "fdx_v1.0",
  consentRequest: {
    durationType: "TIME_BOUND", durationPeriod: 90, lookbackPeriod: 365,
    resources: [{ resourceType: "ACCOUNT", resourceId: "any", dataClusters: ["ACCOUNT_BASIC", "BALANCES", "TRANSACTIONS"] }],
  },
}]);

/** Fails unless the action is refused with this error (or status, for the data API). */
const refused = (scope, what, action, wanted) => check(scope, what, async () => {
  try {
    await action();
  } catch (error) {
    // A 401 comes as a challenge; what is wrong stands in its body, too.
    const body = error.response?.bodyUsed === false ? await error.response.json().catch(() => undefined) : undefined;
    const got = error.error ?? body?.error ?? error.status;
    if (got === wanted) return;
    throw new Error(`${got} for ${wanted}: ${error.message} ${JSON.stringify(error.cause ?? "")}`);
  }
  throw new Error("accepted");
});

/** One client at one bank: what differs between DPoP and mutual TLS is in `options`. */
class Drive {
  constructor(scope, config, base, options = {}) {
    Object.assign(this, { scope, config, base, options });
  }

  async request(change = {}) {
    this.verifier = oauth.randomPKCECodeVerifier();
    this.state = oauth.randomState();
    this.nonce = oauth.randomNonce();
    const params = {
      redirect_uri: CALLBACK, scope: SCOPE, state: this.state, nonce: this.nonce, authorization_details: DETAILS,
      code_challenge: await oauth.calculatePKCECodeChallenge(this.verifier), code_challenge_method: "S256",
      ...change,
    };
    for (const [name, value] of Object.entries(params)) if (value === undefined) delete params[name];
    return params;
  }

  /** Pushes the request; gives the address for the browser. */
  async push(change, options = this.options) {
    return oauth.buildAuthorizationUrlWithPAR(this.config, await this.request(change), options);
  }

  /** Pushes, signs in and allows; gives the address that the browser came back with. */
  async allow(change) {
    return new Customer().allow(await this.push(change));
  }

  redeem(back, { verifier = this.verifier, options = this.options } = {}) {
    const checks = { pkceCodeVerifier: verifier, expectedState: this.state, expectedNonce: this.nonce, idTokenExpected: true };
    return oauth.authorizationCodeGrant(this.config, back, checks, undefined, options);
  }

  async read(tokens, path = "accounts") {
    const headers = new Headers({ "x-fapi-interaction-id": randomUUID() });
    const answer = await oauth.fetchProtectedResource(
      this.config, tokens.access_token, new URL(`${this.base}/${path}`), "GET", null, headers, this.options);
    if (answer.status !== 200) throw Object.assign(new Error(await answer.text()), { status: answer.status });
    return answer.json();
  }

  /** The whole way; gives the tokens. */
  async happy(tokenType, confirmation) {
    const { scope, config } = this;
    const back = await check(scope, "pushed request, sign-in, consent", () => this.allow());
    const tokens = await check(scope, "code for tokens, the ID token verified with the bank's keys", () => this.redeem(back),
      (got) => got.token_type === tokenType && got.refresh_token && got.claims().nonce === this.nonce && got.grant_id);
    const { accounts } = await check(scope, "reads accounts", () => this.read(tokens), (got) => got.accounts.length > 0);
    const id = accounts[0].accountId ?? Object.values(accounts[0])[0].accountId;
    await check(scope, "reads transactions", () => this.read(tokens, `accounts/${id}/transactions`), (got) => Array.isArray(got.transactions));
    let fresh;
    for (const time of ["once", "twice"]) {
      fresh = await check(scope, `refreshes ${time}, the refresh token stays`, () => oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, this.options),
        (got) => got.access_token !== tokens.access_token && got.refresh_token === undefined);
    }
    await check(scope, "reads with the new token", () => this.read(fresh));
    await check(scope, "introspection says what the token is bound to", () => oauth.tokenIntrospection(config, fresh.access_token),
      (got) => got.active === true && typeof got.cnf?.[confirmation] === "string");
    return tokens;
  }
}

const signing = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
const folder = await mkdtemp(join(tmpdir(), "amana-outside-"));

/** The client, as the bank's discovery document describes it. */
async function discover(issuer, id, authentication, metadata = {}, customFetch) {
  const execute = [oauth.enableNonRepudiationChecks, oauth.allowInsecureRequests];
  const config = await oauth.discovery(new URL(issuer), id, { id_token_signed_response_alg: "ES256", ...metadata }, authentication,
    { execute, ...(customFetch && { [oauth.customFetch]: customFetch }) });
  if (customFetch) config[oauth.customFetch] = customFetch;
  return config;
}

async function dpop(bank) {
  const scope = "openid-client, DPoP";
  const { issuer, api_url: base } = bank.said.institutions[0];
  const key = { key: signing.privateKey, kid: "k1" };
  const config = await check(scope, "discovery", () => discover(issuer, "outside", oauth.PrivateKeyJwt(key)));
  const proof = async () => ({ DPoP: oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair("ES256")) });
  const drive = new Drive(scope, config, base, await proof());
  const tokens = await drive.happy("dpop", "jkt");

  const pushRefused = (what, change, wanted, options) => refused(scope, what, () => drive.push(change, options), wanted);
  await pushRefused("1 no PKCE", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request");
  await pushRefused("2 PKCE `plain`", { code_challenge: drive.verifier, code_challenge_method: "plain" }, "invalid_request");
  await pushRefused("3 an unregistered redirect_uri", { redirect_uri: "https://evil.example/callback" }, "invalid_request");
  await pushRefused("4 an unknown type of RAR", { authorization_details: JSON.stringify([{ type: "payment" }]) }, "invalid_authorization_details");
  await pushRefused("5 response_type `code id_token`", { response_type: "code id_token" }, "unsupported_response_type");
  const other = await proof();
  const jkt = await other.DPoP.calculateThumbprint();
  await pushRefused("6 dpop_jkt of another key", { dpop_jkt: jkt }, "invalid_dpop_proof");
  await check(scope, "7 authorize without PAR", async () => {
    const url = oauth.buildAuthorizationUrl(config, await drive.request());
    return new URL(await new Customer().open(url)).searchParams.get("error");
  }, (error) => error === "invalid_request");
  await check(scope, "8 the customer says no", async () => new Customer().deny(await drive.push()),
    (back) => back.searchParams.get("error") === "access_denied" && back.searchParams.get("iss") === issuer);
  // Without a proof at PAR, so that the key is only missing or wrong at the token endpoint.
  const code = async () => new Customer().allow(await drive.push({}, {}));
  let back = await code();
  await refused(scope, "9 a code redeemed without DPoP", () => drive.redeem(back, { options: {} }), "invalid_dpop_proof");
  back = await drive.allow();
  await refused(scope, "10 a code redeemed with another DPoP key", () => drive.redeem(back, { options: other }), "invalid_grant");
  back = await drive.allow();
  await refused(scope, "11 a wrong code verifier", () => drive.redeem(back, { verifier: oauth.randomPKCECodeVerifier() }), "invalid_grant");
  await check(scope, "12 a request_uri used again", async () => {
    const url = await drive.push();
    await new Customer().allow(url);
    return new Customer().status(url);
  }, (status) => status === 400);
  await check(scope, "13 the `Bearer` scheme at the resource", async () => {
    const headers = { authorization: `Bearer ${tokens.access_token}`, "x-fapi-interaction-id": randomUUID() };
    const answer = await fetch(`${base}/accounts`, { headers });
    return { status: answer.status, code: String((await answer.json()).code), asks: answer.headers.get("www-authenticate") };
  }, (got) => got.status === 401 && got.code === "603" && got.asks.startsWith("DPoP "));
  await check(scope, "revocation", () => oauth.tokenRevocation(config, tokens.refresh_token));
  await refused(scope, "14 a refresh after the revocation", () => oauth.refreshTokenGrant(config, tokens.refresh_token, undefined, drive.options), "invalid_grant");
  await refused(scope, "and the access token died with it", () => drive.read(tokens), 401);
  const aimed = oauth.PrivateKeyJwt(key, { [oauth.modifyAssertion]: (_, claims) => { claims.aud = `${issuer}/token`; } });
  const wrong = await discover(issuer, "outside", aimed);
  await refused(scope, "15 client_assertion with the token endpoint as `aud`", async () =>
    oauth.buildAuthorizationUrlWithPAR(wrong, await drive.request(), {}), "invalid_client");
}

async function mutualTls(bank) {
  const scope = "openid-client, mTLS";
  const { issuer } = bank.said.institutions[0];
  const agent = (certificate) => {
    const shown = certificate && { cert: pem(`tls/${certificate}.pem`), key: pem(`tls/${certificate}.key.pem`) };
    const dispatcher = new Agent({ connect: { ca: pem("tls/ca.pem"), ...shown } });
    return (url, init) => fetchWith(url, { ...init, dispatcher });
  };
  const own = agent("client");
  const connect = (through) => discover(issuer, "certified", oauth.TlsClientAuth(), { use_mtls_endpoint_aliases: true }, through);
  const config = await check(scope, "discovery", () => connect(own));
  const drive = new Drive(scope, config, config.serverMetadata().fdx_api_mtls_base_url);
  const tokens = await drive.happy("bearer", "x5t#S256");
  const nobody = new Drive(scope, await connect(agent()), drive.base);
  await refused(scope, "a pushed request without the certificate", () => nobody.push(), "invalid_client");
  await refused(scope, "the resource without the certificate", () => nobody.read(tokens), 401);
  const stranger = new Drive(scope, await connect(agent("stranger")), drive.base);
  await refused(scope, "a pushed request with another's certificate", () => stranger.push(), "invalid_client");
  await refused(scope, "the resource with another's certificate", () => stranger.read(tokens), 401);
  await check(scope, "revocation", () => oauth.tokenRevocation(config, tokens.refresh_token));
  await refused(scope, "a refresh after the revocation", () => oauth.refreshTokenGrant(config, tokens.refresh_token), "invalid_grant");
}

const jwk = { ...await webcrypto.subtle.exportKey("jwk", signing.publicKey), kid: "k1", alg: "ES256", use: "sig" };
delete jwk.key_ops;
delete jwk.ext;
const words = ["sandbox", "bank", "--port", "0", "--data-dir", join(folder, "bank"), "--security", "blue", "--redirect-uri", CALLBACK];
const jwks = join(folder, "jwks.json");
await writeFile(jwks, JSON.stringify({ keys: [jwk] }));
words.push("--client-keys", `outside=${jwks}`, "--client-certificate", "certified=amana.example", "--tls-port", "0");
words.push("--tls-certificate", file("tls/server.pem"), "--tls-key", file("tls/server.key.pem"), "--client-authorities", file("tls/ca.pem"));
const bank = await start(words);
try {
  await dpop(bank);
  await mutualTls(bank);
} catch (error) {
  await check("openid-client", "ran to its end", () => { throw error; });
} finally {
  await bank.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failed() ? 1 : 0;
