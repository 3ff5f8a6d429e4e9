/**
 * What control writes for the bus: addresses with passwords, and the secret towards the gateway.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface BusSecrets {
  readonly busUrl: string;
  readonly relayUrl: string;
  readonly secret: string;
}

/** Null while they are not there yet, or only half written. */
export async function readSecrets(home: string): Promise<BusSecrets | null> {
  const folder = join(home, "secrets");
  const [urls, secret] = await Promise.all([
    read(join(folder, "database", "bus.json")),
    read(join(folder, "bus.secret")),
  ]);
  if (urls === null || secret === null || secret.trim() === "") return null;
  const { busUrl, relayUrl } = parse(urls);
  if (typeof busUrl !== "string" || typeof relayUrl !== "string") return null;
  return { busUrl, relayUrl, secret: secret.trim() };
}

/** Whether both say the same. */
export function areSameSecrets(a: BusSecrets, b: BusSecrets): boolean {
  return a.busUrl === b.busUrl && a.relayUrl === b.relayUrl && a.secret === b.secret;
}

async function read(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, "code") === "ENOENT") return null;
    throw error;
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text));
  } catch {
    // Being written this very moment.
    return {};
  }
}
