// Starts a sandbox of `amana` for one script, and reports in the lines that `cargo xtask test` reads.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How long a sandbox may take to say where it is. */
const START_MS = 60_000;
/** How long anything awaited may take. */
const WAIT_MS = 20_000;

/** Starts `amana` with these words; gives the line of JSON that it says when it listens, and a way to stop it. */
export async function start(words) {
  const binary = process.env.AMANA_BIN ?? "../target/debug/amana";
  const child = spawn(binary, words, { stdio: ["ignore", "pipe", "inherit"] });
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
    throw new Error(`\`${binary} ${words.slice(0, 2).join(" ")}\` did not start`);
  }
  return {
    said: JSON.parse(line),
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
