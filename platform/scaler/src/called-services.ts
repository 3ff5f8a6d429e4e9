/**
 * The services that are called by one of `from`, by those that these call, and so on. A service that
 * wakes will call them in a moment; waking them one after the other would add up their starts.
 *
 * @example
 * calledServices(new Map([["shop", ["ledger"]], ["ledger", ["identity"]]]), ["shop"]);
 * // Set { "ledger", "identity" }
 */
export function calledServices(
  calls: ReadonlyMap<string, readonly string[]>,
  from: Iterable<string>,
): ReadonlySet<string> {
  const called = new Set<string>();
  const open = [...from];
  for (let service = open.pop(); service !== undefined; service = open.pop()) {
    for (const callee of calls.get(service) ?? []) {
      // Those that call each other in a ring are met again, and not followed again.
      if (called.has(callee)) continue;
      called.add(callee);
      open.push(callee);
    }
  }
  return called;
}
