import type { Handler } from "@tideway/http";
import { readAssets } from "../store/assets.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";

export function assetsRoute({ pool }: LedgerParts): Handler<Routes["assets"]> {
  return async () => ({ assets: await readAssets(pool) });
}
