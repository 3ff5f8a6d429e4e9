/** Thrown when something that must hold does not. Never caught to go on: the request stops, loudly. */
export class InvariantBroken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvariantBroken";
  }
}

/**
 * Stops the request when `condition` is false. The message says why it must hold.
 *
 * @example invariant(debits === credits, "A transfer moves as much as it takes.");
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantBroken(message);
}

/** For the default arm of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InvariantBroken(`A state was not handled: ${String(value)}.`);
}

/** The value, or a broken invariant with the reason when it is missing. */
export function present<T>(value: T | null | undefined, why: string): T {
  if (value === null || value === undefined) throw new InvariantBroken(why);
  return value;
}
