/** Opaque cursors of a history: base64url of "e<microseconds>.<transfer>". */
import { commonErrors, isId } from "@tideway/kernel";
import type { EntryPosition } from "../store/entries.ts";

export function encodeCursor(position: EntryPosition): string {
  return Buffer.from(`e${position.atMicros}.${position.transfer}`).toString("base64url");
}

/** The position a cursor stands for. Throws BODY_INVALID for anything that is not a cursor of ours. */
export function decodeCursor(cursor: string): EntryPosition {
  const text = Buffer.from(cursor, "base64url").toString("utf8");
  const [, micros, transfer] = /^e(\d{1,18})\.(trf_[0-9a-z]{26})$/.exec(text) ?? [];
  if (micros === undefined || transfer === undefined || !isId("trf", transfer)) {
    throw commonErrors.error("BODY_INVALID", {
      given: { path: "querystring/after", problem: "is not a cursor of this list" },
    });
  }
  return { atMicros: BigInt(micros), transfer };
}
