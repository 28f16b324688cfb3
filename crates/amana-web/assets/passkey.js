// Asks the browser for a passkey: what to ask stands in the page's one form, and what comes goes back in it. It fetches
// nothing and keeps nothing.

const form = document.getElementById("passkey");
const { act, challenge, site, credentials, user, name } = form.dataset;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer ?? []))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = credentials.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) }));
const say = (id, yes) => { document.getElementById(id).hidden = !yes; };

async function make() {
  const made = await navigator.credentials.create({ publicKey: {
    challenge: bytes(challenge),
    rp: { id: site, name },
    user: { id: bytes(user), name, displayName: name },
    pubKeyCredParams: form.dataset.algorithms.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
    excludeCredentials: named,
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
    attestation: "none",
    extensions: { credProps: true },
  } });
  const unlisted = made.getClientExtensionResults().credProps?.rk === false;
  return { client: text(made.response.clientDataJSON), made: text(made.response.attestationObject), unlisted: unlisted ? "1" : "" };
}

async function prove() {
  const proof = await navigator.credentials.get({ publicKey: {
    challenge: bytes(challenge), rpId: site, allowCredentials: named, userVerification: "required",
  } });
  const { clientDataJSON, authenticatorData, signature, userHandle } = proof.response;
  return {
    id: text(proof.rawId), client: text(clientDataJSON), data: text(authenticatorData), signature: text(signature),
    user: text(userHandle),
  };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say("failed", false);
  form.elements.go.disabled = true;
  try {
    const answer = await (act === "create" ? make() : prove());
    for (const [field, value] of Object.entries(answer)) form.elements[field].value = value;
    form.submit();
  } catch {
    // Cancelled, no passkey here, or one that is known already: the browser does not say more to a page.
    say("failed", true);
    form.elements.go.disabled = false;
  }
});

const able = "PublicKeyCredential" in window;
form.hidden = !able;
say("missing", !able);
