/** The house's own accounts: one for each house code of the chart and each asset. */
import { derivedId, invariant, present } from "@tideway/kernel";
import type { Queryable } from "@tideway/store";
import { HOUSE_ENTRIES } from "../domain/chart.ts";
import { insertAccounts, readAccount } from "./accounts.ts";
import { readAssets } from "./assets.ts";

/** The same on every installation, instance and revision. */
export function houseAccountId(code: number, asset: string): Promise<string> {
  return derivedId("acc", "system", String(code), asset);
}

/** Opens those that are missing and answers how many; safe to repeat and to run twice at once. */
export async function openHouseAccounts(db: Queryable): Promise<number> {
  const assets = await readAssets(db);
  const accounts = await Promise.all(
    assets.flatMap(({ asset }) =>
      HOUSE_ENTRIES.map(async ({ code, normalSide, limited }) => {
        const id = await houseAccountId(code, asset);
        return { id, asset, code, owner: null, normalSide, limited, openedBy: "ledger" };
      }),
    ),
  );
  const opened = await insertAccounts(db, accounts);
  for (const account of accounts) {
    const found = present(await readAccount(db, account.id), "It was there or was just opened.");
    invariant(
      found.asset === account.asset &&
        found.code === account.code &&
        found.normalSide === account.normalSide &&
        found.limited === account.limited,
      `House account ${account.code} ${account.asset} is kept with another side or limit.`,
    );
  }
  return opened;
}
