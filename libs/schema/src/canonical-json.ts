/**
 * One spelling per JSON value (RFC 8785 for the values we use: keys sorted by UTF-16 code unit,
 * no white space, JSON.stringify's own numbers and strings). For digests and comparing bodies.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "bigint") throw new TypeError("Spell a bigint as a string first.");
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
