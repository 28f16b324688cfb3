// The keys and certificates of the connector's tests, for tests only.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const KEYS = new URL("../../crates/amana-bank/tests/it/keys/", import.meta.url);

/** The file of a key or certificate. */
export const file = (name) => fileURLToPath(new URL(name, KEYS));

/** What stands in it. */
export const pem = (name) => readFileSync(file(name), "utf8");
