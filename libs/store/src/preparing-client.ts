/**
 * A connection whose parameterised statements are prepared once and then only run. PostgreSQL parses
 * and plans an unnamed one each time, which costs more than running the short ones that services
 * are made of. Statements are written by hand, so there are few texts; should somebody make texts at
 * run time, those beyond STATEMENTS_MAX stay unnamed, as every prepared one takes memory of the server.
 */
import { createHash } from "node:crypto";
import { Client } from "pg";

/** Of one process; each connection prepares those that it meets. */
export const STATEMENTS_MAX = 500;

const names = new Map<string, string>();

/** pg's own, but that texts with values get a name. Its overloads all come down to these forms. */
export class PreparingClient extends Client {
  // The parameters are those of every overload at once; pg tells them apart itself.
  override query(...given: unknown[]): never {
    const [text, values, ...rest] = given;
    const name = typeof text === "string" && Array.isArray(values) ? nameOf(text) : null;
    const args = name === null ? given : [{ name, text, values }, ...rest];
    // What comes back is whatever pg answers to these parameters.
    // oxlint-disable-next-line typescript/unbound-method -- Reflect.apply binds it
    return Reflect.apply(super.query, this, args) as never;
  }
}

/** The same name for the same text, also in another process; null when there are too many. */
function nameOf(text: string): string | null {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= STATEMENTS_MAX) return null;
  const name = `t_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
  names.set(text, name);
  return name;
}
