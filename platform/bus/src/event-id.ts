/**
 * `evt_...` of a UUID and back, by whole numbers of 8 bits: the kernel's way over bigint takes ten
 * times as long, and every event of every delivery needs it.
 */
import { commonErrors, isId } from "@tideway/kernel";

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const VALUES = new Map(Array.from(DIGITS, (digit, value) => [digit, value]));
export const EVENT_PREFIX = "evt";

/** The id by which everybody outside the log knows an event. */
export function eventIdOf(uuid: string): string {
  const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
  let text = "";
  // 26 digits of 5 bits hold 130 bits; the first two are always 0.
  let bits = 2;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += DIGITS.charAt((held >> bits) & 31);
      held &= (1 << bits) - 1;
    }
  }
  return `${EVENT_PREFIX}_${text}`;
}

/** The UUID of an event's id. Throws BODY_INVALID for another spelling. */
export function eventUuidOf(id: string): string {
  if (!isId(EVENT_PREFIX, id)) {
    const given = { path: "eventId", problem: `must be an id ${EVENT_PREFIX}_...` };
    throw commonErrors.error("BODY_INVALID", { given });
  }
  const bytes = Buffer.alloc(16);
  let held = 0;
  let bits = -2;
  let at = 0;
  for (const digit of id.slice(EVENT_PREFIX.length + 1)) {
    held = (held << 5) | (VALUES.get(digit) ?? 0);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 255;
    held &= (1 << bits) - 1;
  }
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
