/**
 * One bus at a time. The row `writer` holds a fence that grows with each owner, and a lease on the
 * database's clock. The lease only keeps two live processes from overtaking each other all the
 * time; what makes two owners harmless is the fence, which every writing transaction compares.
 */
import { sleep } from "@tideway/kernel";
import { sqlState } from "@tideway/store";
import type { Pool } from "@tideway/store";
import { errorFields } from "@tideway/telemetry";
import type { Logger } from "@tideway/telemetry";
import { busErrors } from "./errors.ts";

/** How long a bus that was killed keeps its successor waiting. */
export const LEASE_MS = 2_000;
const RENEW_EVERY_MS = 500;
const ASK_EVERY_MS = 100;
/** SQLSTATE of `check_fence`. */
const FENCED = "TW001";

export interface Ownership {
  readonly fence: bigint;
  /** Aborts once another bus has taken over. */
  readonly lost: AbortSignal;
  /** Gives the lease back, so that a successor need not wait. */
  release(): Promise<void>;
}

export interface OwnershipOptions {
  readonly pool: Pool;
  /** Named in the row and in refusals: a process id, for example. */
  readonly owner: string;
  readonly logger: Logger;
  /** How long to wait for another owner's lease to end; BUS_OWNED after that. */
  readonly waitMs: number;
  /** Takes over at once, whoever owns it. */
  readonly takesOver?: true;
}

/** Becomes the owner. Throws BUS_OWNED when another bus keeps its lease for all of `waitMs`. */
export async function takeOwnership(options: OwnershipOptions): Promise<Ownership> {
  const { pool, owner, logger } = options;
  const endsAtMs = performance.now() + options.waitMs;
  for (;;) {
    const taken = await pool.query<{ fence: string }>(
      `update writer set fence = fence + 1, owner = $1,
         lease_until = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
       where lease_until < clock_timestamp() or $3
       returning fence`,
      [owner, LEASE_MS, options.takesOver === true],
    );
    const fence = taken.rows[0]?.fence;
    if (fence !== undefined) return keep(pool, BigInt(fence), logger);
    if (performance.now() > endsAtMs) throw await owned(pool);
    await sleep(ASK_EVERY_MS);
  }
}

function keep(pool: Pool, fence: bigint, logger: Logger): Ownership {
  const lost = new AbortController();
  let isAsking = false;
  const renew = async (): Promise<void> => {
    const renewed = await pool.query(
      // Without a wait for the disk: appends stand behind this row's lock meanwhile.
      `update writer set lease_until = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
       from set_config('synchronous_commit', 'off', true) where fence = $1`,
      [fence, LEASE_MS],
    );
    if (renewed.rowCount === 0) lost.abort();
  };
  const timer = setInterval(() => {
    if (isAsking) return;
    isAsking = true;
    renew()
      .catch((error: unknown) => logger.warn("bus.lease-not-renewed", errorFields(error)))
      .finally(() => {
        isAsking = false;
      });
  }, RENEW_EVERY_MS);
  timer.unref();
  return {
    fence,
    lost: lost.signal,
    release: async () => {
      clearInterval(timer);
      await pool.query("update writer set lease_until = '-infinity' where fence = $1", [fence]);
    },
  };
}

/** BUS_FENCED for the database's own refusal, any other error as it is. */
export function fencedOr(error: unknown, fence: bigint): unknown {
  if (sqlState(error) !== FENCED) return error;
  return busErrors.error("BUS_FENCED", { given: { fence: Number(fence) }, cause: error });
}

async function owned(pool: Pool): Promise<Error> {
  const { rows } = await pool.query<{ owner: string; left: number }>(
    `select owner, round(extract(epoch from lease_until - clock_timestamp()) * 1000)::int as left
     from writer`,
  );
  const given = { owner: rows[0]?.owner ?? "unknown", leaseMs: rows[0]?.left ?? 0 };
  return busErrors.error("BUS_OWNED", { given });
}
