// Reads the shared test vectors: `index.json` lists `{name, file, expect}`, each file has the bundle and what its reader trusts.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

/** `[{name, text, trust: {vkey, policy, since}, expect}]`; none where there is no index yet. */
export function loadVectors(folder) {
  const index = path.join(folder, "index.json");
  if (!existsSync(index)) return [];
  const list = JSON.parse(readFileSync(index, "utf8"));
  return list.map((listed) => {
    const file = readFileSync(path.join(folder, listed.file), "utf8");
    const one = { ...listed, ...JSON.parse(file) };
    // As it stands in the file, whose last line but one it is; as a text where it is no JSON.
    const text = typeof one.bundle === "string" ? one.bundle : file.split('\n"bundle": ')[1].slice(0, -"\n}\n".length);
    return { name: one.name, text, trust: one.trust ?? {}, expect: one.expect };
  });
}
