// The Messenger simulator for one script.

import { start } from "./amana.mjs";

export const APP = "2002";
export const SECRET = "APPSECRET";
export const TOKEN = "PAGETOKEN";
export const PAGE = "1001";

/** Starts it with one page; gives its address, its control API and a way to stop it. */
export async function startSimulator() {
  const words = ["sandbox", "messenger", "--port", "0", "--page", `${PAGE}=${TOKEN}=Meridian Bank`];
  words.push("--app-id", APP, "--app-secret", SECRET, "--require-proof");
  const { said, stop } = await start(words);
  const base = said.graph_url.replace(/\/$/, "");
  const control = async (path, body) => {
    const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(`${base}/control/${path}`, init);
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  };
  return { base, control, stop };
}
