// The story's lines: `ok LANGUAGE what` and `not ok LANGUAGE what: why`, which `cargo xtask test` counts.

let failures = 0;

/** How many steps failed so far. */
export function failed() {
  return failures;
}

/** A line for people that counts as nothing. */
export function note(text) {
  console.log(`# ${text}`);
}

/** Reports one check that does not stop the story. */
export function check(scope, what, problem) {
  if (problem) {
    failures += 1;
    console.log(`not ok ${scope} ${what}: ${oneLine(problem)}`);
  } else {
    console.log(`ok ${scope} ${what}`);
  }
}

/** Runs one step of the story; a failure is reported and thrown on, because the next steps need this one. */
export async function step(scope, what, action) {
  const started = performance.now();
  try {
    const result = await action();
    console.log(`ok ${scope} ${what} (${Math.round(performance.now() - started)} ms)`);
    return result;
  } catch (error) {
    failures += 1;
    console.log(`not ok ${scope} ${what}: ${oneLine(error.message ?? String(error))}`);
    throw new StepFailed();
  }
}

/** Thrown by `step` after it has reported. */
export class StepFailed extends Error {}

function oneLine(text) {
  // Playwright colours its messages and adds a call log of many lines.
  return text.replace(/\u001b\[[0-9;]*m/g, "").split("\n").map((line) => line.trim()).filter(Boolean).slice(0, 6).join(" | ");
}
