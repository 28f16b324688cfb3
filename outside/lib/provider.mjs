// A bank whose authorization server is panva's `oidc-provider` in FAPI 2.0 mode, in front of a few accounts. Whether a
// token is good, and whose, the provider says; possession is proved to `jose` or to TLS.

import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";

import { EmbeddedJWK, calculateJwkThumbprint, jwtVerify } from "jose";
import Provider, { errors } from "oidc-provider";

import { pem } from "./keys.mjs";

export const CLIENT = "amana";
export const REDIRECT = "https://gateway.example/link/callback";
export const SUBJECT = "customer-42";
const CLIENT_NAME = "amana.example";
const PROOF_SECONDS = 60;

const ACCOUNTS = [
  { accountId: "acc-1", accountType: "CHECKING", currency: { currencyCode: "USD" }, accountNumberDisplay: "**1234", currentBalance: 120.5, availableBalance: 100, balanceAsOf: "2026-11-24T10:00:00Z" },
  { accountId: "acc-2", accountType: "SAVINGS", currency: { currencyCode: "USD" }, accountNumberDisplay: "**5678", currentBalance: 9, availableBalance: 9, balanceAsOf: "2026-11-24T10:00:00Z" },
];
const TRANSACTIONS = [
  { transactionId: "t-1", transactionTimestamp: "2026-11-20T10:00:00Z", postedTimestamp: "2026-11-21T10:00:00Z", amount: 4.51, debitCreditMemo: "DEBIT", status: "POSTED", description: "COFFEE" },
  { transactionId: "t-2", transactionTimestamp: "2026-11-19T10:00:00Z", amount: 1200, debitCreditMemo: "CREDIT", status: "POSTED", description: "SALARY" },
  { transactionId: "t-3", transactionTimestamp: "2026-11-18T10:00:00Z", amount: 20.1, debitCreditMemo: "DEBIT", status: "PENDING", description: "PUMP" },
];
const PAGE_ROWS = 2;

const sha256 = (data) => createHash("sha256").update(data).digest("base64url");

/** The certificate that the client of a connection has shown, if it is of the authority. */
function certificateOf(socket) {
  const raw = socket.authorized && socket.getPeerCertificate(false)?.raw;
  return raw ? new X509Certificate(raw) : undefined;
}

/** Why a request may not read, or nothing. */
async function refusal(provider, request, base, seen) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  const found = token && await provider.AccessToken.find(token);
  // What was asked for in detail (RFC 9396) must have come all the way.
  if (!found?.rar?.some(({ type }) => type === "fdx_v1.0")) return { error: "invalid_token" };
  const x5t = found["x5t#S256"];
  if (x5t) {
    const shown = certificateOf(request.socket);
    if (scheme !== "Bearer" || !shown || sha256(shown.raw) !== x5t) return { error: "invalid_token" };
    seen.bound += 1;
    return undefined;
  }
  if (!found.jkt || scheme !== "DPoP") return { error: "invalid_token" };
  try {
    const { payload, protectedHeader } = await jwtVerify(request.headers.dpop ?? "", EmbeddedJWK, { typ: "dpop+jwt", algorithms: ["ES256"] });
    if (payload.nonce !== seen.nonce) {
      seen.asked += 1;
      return { error: "use_dpop_nonce", nonce: seen.nonce };
    }
    const good = await calculateJwkThumbprint(protectedHeader.jwk) === found.jkt
      && payload.htm === request.method
      && payload.htu === `${base}${new URL(request.url, base).pathname}`
      && payload.ath === sha256(token)
      && Math.abs(payload.iat - Date.now() / 1000) < PROOF_SECONDS
      && !seen.proofs.has(payload.jti);
    seen.proofs.add(payload.jti);
    if (!good) return { error: "invalid_dpop_proof" };
    seen.bound += 1;
    return undefined;
  } catch {
    return { error: "invalid_dpop_proof" };
  }
}

/** The data API. */
async function data(provider, base, seen, request, response) {
  const interaction = request.headers["x-fapi-interaction-id"];
  const say = (status, body, headers = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...(interaction && { "x-fapi-interaction-id": interaction }), ...headers });
    response.end(JSON.stringify(body));
  };
  if (!interaction) return say(400, { code: "401", message: "x-fapi-interaction-id is missing" });
  const refused = await refusal(provider, request, base, seen);
  if (refused) {
    const headers = { "www-authenticate": `DPoP error="${refused.error}", algs="ES256"` };
    if (refused.nonce) headers["dpop-nonce"] = refused.nonce;
    return say(401, { code: "603", message: refused.error }, headers);
  }
  const { pathname, searchParams } = new URL(request.url, base);
  const path = pathname.slice("/fdx/v6".length);
  if (path === "/accounts") return say(200, { accounts: ACCOUNTS });
  const [, account, what] = /^\/accounts\/([^/]+)(\/transactions)?$/.exec(path) ?? [];
  const found = ACCOUNTS.find(({ accountId }) => accountId === account);
  if (!found) return say(404, { code: "701", message: "no such account" });
  if (!what) return say(200, found);
  const from = Number(searchParams.get("pageKey") ?? 0);
  const page = from + PAGE_ROWS < TRANSACTIONS.length ? { nextPageKey: String(from + PAGE_ROWS) } : {};
  return say(200, { page, transactions: TRANSACTIONS.slice(from, from + PAGE_ROWS).map((row) => ({ ...row, accountId: account, transactionId: `${account}-${row.transactionId}` })) });
}

/** The two pages of the bank: who are you, and do you agree. */
async function interaction(provider, request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<form method="post"><button>${prompt.name}</button></form>`);
    return;
  }
  if (prompt.name === "login") {
    await provider.interactionFinished(request, response, { login: { accountId: SUBJECT } });
    return;
  }
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(params.resource, params.scope);
  for (const detail of JSON.parse(params.authorization_details ?? "[]")) grant.addRar(detail);
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

/** Opens the bank. `keys`: the client's public keys; `mtls`: known and bound by its certificate instead of by keys. */
export async function openBank({ keys, mtls, signed }) {
  const seen = { bound: 0, asked: 0, nonce: "n-1", proofs: new Set(), errors: [] };
  const routes = { at: undefined };
  const handle = (request, response) => {
    routes.at(request, response).catch((error) => {
      seen.errors.push(String(error));
      response.writeHead(500).end();
    });
  };
  const server = mtls
    ? createSecureServer({ key: pem("tls/server.key.pem"), cert: pem("tls/server.pem"), ca: pem("tls/ca.pem"), requestCert: true, rejectUnauthorized: false }, handle)
    : createServer(handle);
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const base = `${mtls ? "https" : "http"}://127.0.0.1:${server.address().port}`;
  const scopes = ["openid", "offline_access", "fdx:accountbasic:read", "fdx:balances:read", "fdx:transactions:read"];
  const algorithms = ["PS256", "ES256", "EdDSA"];
  const provider = new Provider(base, {
    clients: [{
      client_id: CLIENT,
      redirect_uris: [REDIRECT],
      response_types: ["code"],
      grant_types: ["authorization_code", "refresh_token"],
      scope: scopes.join(" "),
      id_token_signed_response_alg: "ES256",
      require_pushed_authorization_requests: true,
      authorization_details_types: ["fdx_v1.0"],
      ...(signed && { request_object_signing_alg: "ES256", require_signed_request_object: true }),
      ...(mtls
        ? { token_endpoint_auth_method: "tls_client_auth", tls_client_auth_san_dns: CLIENT_NAME, tls_client_certificate_bound_access_tokens: true }
        : { token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256", dpop_bound_access_tokens: true }),
      ...(keys && { jwks: keys }),
    }],
    jwks: { keys: [{ ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256", kid: "op" }] },
    cookies: { keys: ["only for this run"] },
    scopes,
    clientAuthMethods: [mtls ? "tls_client_auth" : "private_key_jwt"],
    enabledJWA: {
      clientAuthSigningAlgValues: algorithms,
      idTokenSigningAlgValues: ["PS256", "ES256", "EdDSA"],
      requestObjectSigningAlgValues: algorithms,
      dPoPSigningAlgValues: algorithms,
    },
    features: {
      fapi: { enabled: true, profile: "2.0" },
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      requestObjects: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: !mtls, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
      mTLS: {
        enabled: Boolean(mtls),
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => certificateOf(ctx.socket),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) => property === "tls_client_auth_san_dns"
          && certificateOf(ctx.socket)?.checkHost(expected, { subject: "never" }) === expected,
      },
      // Rich authorization requests need a resource; ours is the data API, and its tokens stay opaque.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => `${base}/fdx/v6`,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: scopes.join(" "), accessTokenFormat: "opaque", accessTokenTTL: 900 }),
      },
      richAuthorizationRequests: {
        enabled: true,
        types: {
          "fdx_v1.0": {
            validate(_, detail) {
              if (!Array.isArray(detail.consentRequest?.resources)) throw new errors.InvalidAuthorizationDetails("`resources` is not an array");
            },
          },
        },
        authorizationDetailsForGrantSource: (ctx) => ctx.oidc.grant.rar,
        authorizationDetailsForAccessToken: (_, token, source) => source.rar,
        authorizationDetailsForIntrospection: (_, token) => token.rar,
      },
    },
    ttl: { AccessToken: 900, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: false,
  });
  for (const event of ["pushed_authorization_request.error", "authorization.error", "grant.error", "revocation.error", "server_error"]) {
    provider.on(event, (_, error) => seen.errors.push(`${event}: ${error.message} ${error.error_description ?? ""}`));
  }
  const callback = provider.callback();
  routes.at = async (request, response) => {
    if (request.url.startsWith("/fdx/v6/")) return data(provider, base, seen, request, response);
    if (request.url.startsWith("/interaction/")) return interaction(provider, request, response);
    return callback(request, response);
  };
  return {
    issuer: base,
    api: `${base}/fdx/v6`,
    seen,
    async close() {
      server.closeAllConnections?.();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}
