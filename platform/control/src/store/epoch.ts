import type { Queryable } from "@tideway/store";

/**
 * The next epoch of configurations, above all that were given and above `after`; never given twice,
 * whatever died in between. A database that was restored from a backup may know an older one than
 * the gateway, which would refuse every configuration until the numbers had caught up.
 */
export async function nextEpoch(db: Queryable, after: number): Promise<number> {
  const updated = await db.query<{ epoch: string }>(
    "update configuration_epoch set epoch = greatest(epoch, $1) + 1 returning epoch",
    [after],
  );
  return Number(updated.rows[0]?.epoch);
}
