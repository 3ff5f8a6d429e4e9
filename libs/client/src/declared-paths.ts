/**
 * The paths of all fields that a schema names, as expectations spell them: `accounts[].available`.
 * Where it lets any name be (a record), the name may be somebody's id, so that it is spelt `*`.
 */

const DEPTH_MAX = 12;
const PATHS_MAX = 5_000;
const kept = new WeakMap<object, ReadonlySet<string>>();

/** Computed once for each schema object. */
export function declaredPaths(schema: object): ReadonlySet<string> {
  const known = kept.get(schema);
  if (known !== undefined) return known;
  const paths = new Set<string>();
  collect(schema, "", paths, 0);
  kept.set(schema, paths);
  return paths;
}

/** The path of a field, or null when the schema neither names it nor lets any name be. */
export function declaredField(
  declared: ReadonlySet<string>,
  path: string,
  name: string,
): string | null {
  const own = joined(path, name);
  if (declared.has(own)) return own;
  const any = joined(path, "*");
  return declared.has(any) ? any : null;
}

function joined(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function collect(schema: unknown, path: string, paths: Set<string>, depth: number): void {
  if (schema === null || typeof schema !== "object") return;
  if (depth > DEPTH_MAX || paths.size >= PATHS_MAX) return;
  const given: Readonly<Record<string, unknown>> = { ...schema };
  for (const word of ["anyOf", "oneOf", "allOf"]) {
    const branches = given[word];
    if (!Array.isArray(branches)) continue;
    for (const branch of branches) collect(branch, path, paths, depth + 1);
  }
  for (const [name, field] of Object.entries(Object(given["properties"]))) {
    const own = joined(path, name);
    paths.add(own);
    collect(field, own, paths, depth + 1);
  }
  const records = Object.values(Object(given["patternProperties"]));
  if (typeof given["additionalProperties"] === "object")
    records.push(given["additionalProperties"]);
  for (const field of records) {
    paths.add(joined(path, "*"));
    collect(field, joined(path, "*"), paths, depth + 1);
  }
  if (given["items"] !== undefined) collect(given["items"], `${path}[]`, paths, depth + 1);
}
