/**
 * Cursors of lists that are ordered by time and id, newest first. A row that commits late carries
 * the time at which its transaction began, so it may appear above a page that was read already;
 * whoever reads the first page again sees it. Nothing is shown twice.
 */
import { commonErrors } from "@tideway/kernel";

export interface Position {
  /** RFC 3339 with microseconds, exactly as the database has it. */
  readonly at: string;
  readonly uuid: string;
}

/** Before the newest row. */
export const NEWEST: Position = { at: "infinity", uuid: "ffffffff-ffff-ffff-ffff-ffffffffffff" };

const PATTERN =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** An opaque cursor that continues after this position. */
export function formatCursor(position: Position): string {
  return Buffer.from(`${position.at} ${position.uuid}`).toString("base64url");
}

/** The position of a cursor, the newest without one. Throws BODY_INVALID for what is no cursor. */
export function parseCursor(cursor: string | undefined): Position {
  if (cursor === undefined) return NEWEST;
  const match = PATTERN.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  const [, at, uuid] = match ?? [];
  if (at === undefined || uuid === undefined || !isMoment(at)) {
    throw commonErrors.error("BODY_INVALID", {
      given: { path: "querystring/after", problem: "is not a cursor that this list gave out" },
    });
  }
  return { at, uuid };
}

/** Whether the database knows this moment: not 31 February, which Date reads as 3 March, nor year 0. */
function isMoment(at: string): boolean {
  const ms = Date.parse(at);
  if (Number.isNaN(ms) || at.startsWith("0000")) return false;
  return new Date(ms).toISOString().slice(0, 19) === at.slice(0, 19);
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Makes a page of rows that were read with one more than `limit`. */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  positionOf: (row: T) => Position,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const next = rows.length > limit && last !== undefined ? formatCursor(positionOf(last)) : null;
  return { items, next };
}
