// The simulator's control panel, as a developer uses it: a simulator of its own, so that nothing of the story meets what
// is switched here. What a switch did is asked at the control API, not at the page.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { APPEAR_MS, DEMO_STOP_MS, SIMULATOR_START_MS } from "./limits.mjs";
import { another, visit, watchConsoles } from "./pages.mjs";
import { check, step } from "./report.mjs";

const PAGE = "1000";
const TOKEN = "page-token-of-the-panel";
const WINDOW_MS = 86_400_000;
/** Messenger's error of a message outside the window. */
const WINDOW_CLOSED = 2018278;

/** A person writes by "any call", echoes are switched off, the clock closes the window: each by the panel alone. */
export async function controlPanel(browser, binary, language, address, artifacts) {
  const scope = "panel";
  const simulator = await step(scope, "the simulator starts", () => start(binary));
  const context = await another(browser, language);
  const complaints = watchConsoles(context);
  const asks = async (what) => (await fetch(`${simulator.base}/control/${what}`)).json();
  const sends = async (psid) => {
    const answer = await fetch(`${simulator.base}/v26.0/me/messages?access_token=${TOKEN}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ recipient: { id: psid }, messaging_type: "RESPONSE", message: { text: "yes" } }),
    });
    return answer.json();
  };
  try {
    const page = await context.newPage();
    const url = address(simulator.base);
    const user = new URL(url).searchParams.get("user");
    const thread = () => asks(`threads/${PAGE}/${user}`);
    const panel = page.getByRole("tabpanel");

    await step(scope, "it opens beside the chat", async () => {
      await page.goto(url);
      await page.getByRole("tab", { name: "Control panel" }).click();
      await panel.getByRole("switch", { name: "No echoes" }).waitFor();
    });
    await visit(page, "panel", language, artifacts);

    const psid = await step(scope, "any call: a person writes", async () => {
      await panel.getByText("Any call of the control API").click();
      await panel.getByRole("combobox", { name: "Any call of the control API" }).selectOption({ label: "POST users/{user}/say · page" });
      await panel.getByRole("textbox", { name: "Body" }).fill(JSON.stringify({ page: PAGE, text: "by any call" }));
      await panel.getByRole("button", { name: "Send", exact: true }).click();
      await until("the person's words are there", async () => {
        const { messages } = await thread();
        return messages.some((one) => one.from === "user" && one.body.text === "by any call");
      });
      return (await thread()).psid;
    });
    await step(scope, "within the window the page may answer", async () => {
      const said = await sends(psid);
      if (!said.message_id) throw new Error(JSON.stringify(said));
    });

    await step(scope, "echoes are switched off, and on again", async () => {
      if ((await asks("faults")).drop_echo) throw new Error("they are off from the start");
      const knob = panel.getByRole("switch", { name: "No echoes" });
      await knob.click();
      await until("echoes are off", async () => (await asks("faults")).drop_echo === true);
      await knob.click();
      await until("echoes are on", async () => (await asks("faults")).drop_echo === false);
    });

    await step(scope, "a day on, the window is closed", async () => {
      const closed = async () => (await thread()).last_inbound_ms + WINDOW_MS <= (await asks("clock")).now_ms;
      if (await closed()) throw new Error("it is closed before");
      await panel.getByRole("button", { name: "+1 day", exact: true }).click();
      await until("the window is closed", closed);
      await panel.getByText("closed", { exact: true }).waitFor();
      const said = await sends(psid);
      if (said.error?.error_subcode !== WINDOW_CLOSED) throw new Error(JSON.stringify(said));
    });
  } finally {
    check(scope, "no errors in its console", complaints.length === 0 ? null : complaints.join("; "));
    await context.close();
    check(scope, "the simulator ends with Ctrl-C", await simulator.stop());
  }
}

async function until(what, test) {
  const end = performance.now() + APPEAR_MS;
  while (!(await test())) {
    if (performance.now() > end) throw new Error(`not within ${APPEAR_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Rejects when it ends before it says where it is, or takes too long. */
async function start(binary) {
  const page = `${PAGE}=${TOKEN}=Panel`;
  const child = spawn(binary, ["sandbox", "messenger", "--port", "0", "--page", page], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const address = new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        const found = /http:\/\/127\.0\.0\.1:\d+/u.exec(line);
        if (found) resolve({ base: found[0] });
      });
    }
  });
  const late = (ms) => new Promise((resolve) => setTimeout(resolve, ms, "late").unref());
  const first = await Promise.race([address, ended, late(SIMULATOR_START_MS)]);
  if (!first.base) {
    child.kill("SIGKILL");
    throw new Error(`\`${binary} sandbox messenger\` did not start: ${first}`);
  }
  return {
    base: first.base,
    /** Ctrl-C; what was wrong with how it ended, or nothing. */
    async stop() {
      child.kill("SIGINT");
      const how = await Promise.race([ended, late(DEMO_STOP_MS)]);
      if (how === "late") child.kill("SIGKILL");
      return how === "exit code 0" ? null : how;
    },
  };
}
