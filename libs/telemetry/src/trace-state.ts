/**
 * `tracestate` (W3C trace context, section 3.3): what other tracing systems along the way want to
 * find again. We add nothing; we hand on what is valid, as it came, and drop the whole when any part
 * of it is not, as the specification says.
 */
const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
/** Visible characters and inner spaces, without comma and equals sign. */
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MEMBERS_MAX = 32;
/** More than the 512 that everybody must hand on; beyond it nothing is handed on. */
const CHARACTERS_MAX = 8_192;

/** The header in its normal form, or null when it is missing, empty or not valid. */
export function parseTracestate(header: string | undefined): string | null {
  if (header === undefined || header.length > CHARACTERS_MAX) return null;
  const members = new Map<string, string>();
  for (const part of header.split(",")) {
    // Only spaces and tabs may surround a member; several headers and empty members are allowed.
    const member = part.replace(/^[ \t]+|[ \t]+$/g, "");
    if (member === "") continue;
    const end = member.indexOf("=");
    const key = member.slice(0, Math.max(0, end));
    const value = member.slice(end + 1);
    if (end < 1 || !KEY.test(key) || !VALUE.test(value)) return null;
    // Of a key that comes twice the first one counts: it is the newest.
    if (!members.has(key)) members.set(key, value);
    if (members.size > MEMBERS_MAX) return null;
  }
  if (members.size === 0) return null;
  return [...members].map(([key, value]) => `${key}=${value}`).join(",");
}
