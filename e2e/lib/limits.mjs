// Every bound of the story, in milliseconds unless the name says otherwise.

/** The demo may take this long from its start to its line of addresses: it makes a year of history for each customer. */
export const DEMO_START_MS = 60_000;
/** The demo may take this long to end after Ctrl-C. */
export const DEMO_STOP_MS = 10_000;
/** The simulator alone may take this long until it says where it is. */
export const SIMULATOR_START_MS = 15_000;
/** The browser may take this long to start. */
export const BROWSER_START_MS = 30_000;
/** A button, a page or an answer may take this long to appear. Generous: CI has two cores. */
export const APPEAR_MS = 15_000;
/** A tap that opens a new tab opens it within this time; otherwise it was a button of another kind. */
export const NEW_TAB_MS = 2_500;
/** How long nothing may arrive after the customer revoked. A message usually takes less than a tenth of this. */
export const SILENCE_MS = 3_000;
/** Width of a phone, in CSS pixels: no page may scroll sideways there. */
export const PHONE_WIDTH_PX = 390;
/** One bundle of the test vectors is verified within this time. */
export const VERIFY_MS = 15_000;
