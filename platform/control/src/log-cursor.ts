/** How far the logs of each instance were read; travels to the reader and back as text. */

export interface LogPosition {
  /** Bytes of the log that were read. */
  readonly offset: number;
  /** Inode of the part moved aside when we last looked; 0 when there was none. */
  readonly aside: number;
  /** The log was shorter than our offset, without a new part moved aside, at the last look. */
  readonly shrunk: boolean;
}

export type LogPositions = ReadonlyMap<string, LogPosition>;

export function formatCursor(positions: LogPositions): string {
  const entries = [...positions].map(([instance, { offset, aside, shrunk }]) => {
    return [instance, shrunk ? [offset, aside, 1] : [offset, aside]];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

/** Null without a cursor, and for one that is none of ours: the reader begins anew then. */
export function parseCursor(text: string | undefined): LogPositions | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (value === null || typeof value !== "object") return null;
    const entries = Object.entries(value).flatMap(([instance, position]: [string, unknown]) => {
      const known = positionOf(position);
      return known === null ? [] : [[instance, known] as const];
    });
    return new Map(entries);
  } catch {
    return null;
  }
}

function positionOf(value: unknown): LogPosition | null {
  if (!Array.isArray(value)) return null;
  const numbers = value.filter((one): one is number => Number.isSafeInteger(one) && one >= 0);
  const [offset, aside, shrunk = 0] = numbers;
  if (offset === undefined || aside === undefined) return null;
  return { offset, aside, shrunk: shrunk === 1 };
}
