/**
 * The last configuration on disk, mode 0600 as it holds the keys of assertions. Written beside the
 * old one, synced, then renamed over it: a crash leaves the one or the other, never half of one.
 */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { checkConfig } from "./config-check.ts";
import type { GatewayConfig } from "./config.ts";

/** The stored configuration, or null when there is none. Throws when it cannot be read. */
export async function loadConfig(path: string): Promise<GatewayConfig | null> {
  let stored: string;
  try {
    stored = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return null;
    throw error;
  }
  return checkConfig(JSON.parse(stored));
}

/** On the disk when it resolves. */
export async function saveConfig(path: string, config: GatewayConfig): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const next = `${path}.next`;
  const file = await open(next, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(config));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
  // The name is safe only once the folder is.
  const parent = await open(folder, "r");
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
}
