import { ledgerErrors } from "@tideway/api-ledger";
import type { Handler } from "@tideway/http";
import { commonErrors, present } from "@tideway/kernel";
import { chartEntry } from "../domain/chart.ts";
import type { ChartEntry } from "../domain/chart.ts";
import { mayOpen } from "../domain/grants.ts";
import { insertAccounts, readAccount } from "../store/accounts.ts";
import { readAssets } from "../store/assets.ts";
import { actorOf } from "./actor.ts";
import { accountGrantMissing } from "./refusals.ts";
import type { LedgerParts, Routes } from "./route-parts.ts";
import { wireAccount } from "./wire.ts";

export function openAccountRoute({ pool }: LedgerParts): Handler<Routes["openAccount"]> {
  return async (request) => {
    const actor = actorOf(request);
    const { account: id, asset, code } = request.body;
    if (!mayOpen(actor, code)) throw accountGrantMissing(actor, "open", code);
    const entry = openableEntry(code, asset);
    const owner = ownerOf(request.body.owner);
    if (!(await readAssets(pool)).some((known) => known.asset === asset)) {
      throw commonErrors.error("ASSET_UNKNOWN", { given: { asset } });
    }
    const { normalSide, limited } = entry;
    await insertAccounts(pool, [
      { id, asset, code, owner, normalSide, limited, openedBy: actor.service },
    ]);
    const account = present(await readAccount(pool, id), "It was there or was just opened.");
    const asked = { asset, code, owner };
    const field = (["asset", "code", "owner"] as const).find(
      (name) => account[name] !== asked[name],
    );
    if (field !== undefined) {
      throw ledgerErrors.error("ACCOUNT_EXISTS_DIFFERENT", { given: { account: id, field } });
    }
    return wireAccount(account);
  };
}

function openableEntry(code: number, asset: string): ChartEntry {
  const entry = chartEntry(code);
  if (entry === undefined) throw ledgerErrors.error("ACCOUNT_CODE_UNKNOWN", { given: { code } });
  if (entry.holder === "house") {
    throw ledgerErrors.error("ACCOUNT_NOT_OPENABLE", { given: { code, asset } });
  }
  return entry;
}

function ownerOf(owner: string | undefined): string {
  if (owner !== undefined) return owner;
  throw commonErrors.error("BODY_INVALID", {
    given: { path: "body/owner", problem: "is needed: accounts of this code belong to somebody" },
  });
}
