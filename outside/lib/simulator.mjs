// Starts a simulator for one script, and reports in the lines that `cargo xtask test` reads.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How long the simulator may take to say where it is. */
const START_MS = 60_000;
/** How long anything awaited may take. */
const WAIT_MS = 20_000;

export const APP = "2002";
export const SECRET = "APPSECRET";
export const TOKEN = "PAGETOKEN";
export const PAGE = "1001";

/** Starts it with one page; gives its address, its control API and a way to stop it. */
export async function startSimulator() {
  const binary = process.env.AMANA_BIN ?? "../target/debug/amana";
  const words = ["sandbox", "messenger", "--port", "0", "--page", `${PAGE}=${TOKEN}=Meridian Bank`];
  words.push("--app-id", APP, "--app-secret", SECRET, "--require-proof");
  const child = spawn(binary, words, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise((resolve) => {
    child.once("error", resolve);
    child.once("exit", resolve);
  });
  const first = new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, START_MS); });
  const line = await Promise.race([first, ended, late]);
  clearTimeout(timer);
  if (typeof line !== "string") {
    child.kill("SIGKILL");
    throw new Error(`\`${binary} sandbox messenger\` did not start`);
  }
  const base = JSON.parse(line).graph_url.replace(/\/$/, "");
  const control = async (path, body) => {
    const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(`${base}/control/${path}`, init);
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return json;
  };
  return {
    base,
    control,
    async stop() {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(killer);
    },
  };
}

/** Waits until `look` gives something. */
export async function until(what, look) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${WAIT_MS} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 25); });
  }
}

let failures = 0;

/** How many checks failed so far. */
export const failed = () => failures;

/** Runs one check; it must not throw, and give nothing or what `holds` accepts. */
export async function check(scope, what, action, holds = () => true) {
  try {
    const answer = await action();
    if (!holds(answer)) throw new Error(`unexpected answer ${JSON.stringify(answer)}`);
    console.log(`ok ${scope} ${what}`);
    return answer;
  } catch (error) {
    failures += 1;
    console.log(`not ok ${scope} ${what}: ${String(error.message ?? error).replace(/\s+/g, " ").slice(0, 500)}`);
    return undefined;
  }
}
