/** A quoted SQL identifier. Ours are lower case letters, digits and underscores; anything else is refused. */
export function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new Error(`${name} is not an SQL name of ours.`);
  return `"${name}"`;
}

/** A quoted SQL string, for statements that take no parameters (CREATE ROLE, SET). */
export function literal(text: string): string {
  if (text.includes("\0")) throw new Error("A string for SQL may not hold a zero byte.");
  return `'${text.replaceAll("'", "''")}'`;
}
