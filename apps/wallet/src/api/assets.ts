/**
 * The ledger's public list of assets, so that a person can ask for an asset they hold none of. Read
 * by hand: one route does not justify the ledger's whole api in the first load.
 */
import { errorOf } from "@tideway/client";
import { boundedFetch } from "../session/authed-fetch.ts";

export interface Asset {
  readonly asset: string;
  readonly scale: number;
  readonly name: string;
}

export async function fetchAssets(): Promise<Asset[]> {
  const response = await boundedFetch("/api/ledger/assets", { method: "GET" });
  if (!response.ok) throw await errorOf(response);
  return readAssets(await response.json());
}

/** Entries of another shape are left out rather than guessed. */
export function readAssets(reply: unknown): Asset[] {
  const list = fieldOf(reply, "assets");
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const [asset, scale, name] = ["asset", "scale", "name"].map((field) => fieldOf(entry, field));
    if (typeof asset !== "string" || typeof scale !== "number" || typeof name !== "string")
      return [];
    return Number.isInteger(scale) && scale >= 0 && scale <= 18 ? [{ asset, scale, name }] : [];
  });
}

function fieldOf(holder: unknown, name: string): unknown {
  return typeof holder === "object" && holder !== null ? Reflect.get(holder, name) : undefined;
}
