import type { Queryable } from "@tideway/store";

/** The next epoch of configurations; never given twice, whatever died in between. */
export async function nextEpoch(db: Queryable): Promise<number> {
  const updated = await db.query<{ epoch: string }>(
    "update configuration_epoch set epoch = epoch + 1 returning epoch",
  );
  return Number(updated.rows[0]?.epoch);
}
