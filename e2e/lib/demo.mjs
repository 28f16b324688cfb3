// Starts and stops `amana demo`, as a person would: one command, Ctrl-C.

import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

import { DEMO_START_MS, DEMO_STOP_MS } from "./limits.mjs";

/**
 * Starts the demo in `dataDir`, on free ports or on those of an earlier run (the disclosure log bears the address of its
 * gateway, so the same data belong to the same address), and waits for its line of addresses.
 * Rejects when it ends before that, or takes too long; what it printed is in `logFile`.
 */
export async function startDemo(binary, dataDir, logFile, earlier = null) {
  const port = (part) => (earlier ? new URL(earlier[part]).port : "0");
  const ports = ["gateway", "bank", "chat"].flatMap((part) => [`--${part}-port`, port(part)]);
  const child = spawn(binary, ["demo", "--data-dir", dataDir, ...ports, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(logFile, { flags: "a" });
  child.stderr.on("data", (bytes) => log.write(bytes));
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, reason: error.message }));
    child.once("exit", (code, signal) => resolve({ code, reason: signal ?? `exit code ${code}` }));
  });

  const addresses = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      let found = null;
      try {
        found = JSON.parse(line);
      } catch {
        return; // A line for people.
      }
      if (found && found.gateway && found.bank && found.chat) resolve(found);
    });
  });
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve("late"), DEMO_START_MS);
  });
  const first = await Promise.race([addresses, ended, late]);
  clearTimeout(timer);
  if (first === "late" || !first.gateway) {
    child.kill("SIGKILL");
    const why = first === "late" ? `no addresses after ${DEMO_START_MS} ms` : `it ended: ${first.reason}`;
    throw new Error(`\`${binary} demo\` did not start: ${why}; its log is in ${logFile}`);
  }

  return {
    ...first,
    /** Ctrl-C; returns how it ended. Kills it, and says so, when it does not. */
    async stop() {
      child.kill("SIGINT");
      let stopTimer;
      const slow = new Promise((resolve) => {
        stopTimer = setTimeout(() => resolve({ code: null, reason: `still there after ${DEMO_STOP_MS} ms` }), DEMO_STOP_MS);
      });
      const how = await Promise.race([ended, slow]);
      clearTimeout(stopTimer);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
      log.end();
      return how;
    },
  };
}
