/** Compares bodies by media type. */
import type { Comparison, Place } from "./comparison.ts";
import { canonicalJson } from "@tideway/schema";
import { objectAt } from "./json.ts";
import { below } from "./resolve.ts";
import type { Located } from "./resolve.ts";
import type { Conjunction } from "./shape.ts";

/** Compares the `content` of two bodies: every media type that there was must still be there. */
export function relateContent(run: Comparison, was: Located, is: Located, place: Place): void {
  const before = Object.keys(objectAt(was.value, "content"));
  const after = Object.keys(objectAt(is.value, "content"));
  for (const name of before) {
    const match = find(name, after);
    const old = below(was, "content", name);
    if (match === undefined) {
      run.tell("media-type-removed", place, old, ` ${name}`);
      continue;
    }
    const now = below(is, "content", match);
    run.relate(schemaIn(old), schemaIn(now), { ...place, text: writtenAs(name) });
    const [from, to] = [objectAt(old.value, "encoding"), objectAt(now.value, "encoding")];
    if (canonicalJson(from) !== canonicalJson(to)) {
      run.tell("encoding-changed", place, now);
    }
  }
  for (const name of after) {
    if (find(name, before) !== undefined) continue;
    run.tell("media-type-added", place, below(is, "content", name), ` ${name}`);
  }
}

function schemaIn(media: Located): Conjunction {
  const schema = below(media, "schema");
  return schema.value === undefined ? [] : [schema];
}

/** The same name, else the same without parameters, else a range that covers it. */
function find(name: string, among: readonly string[]): string | undefined {
  if (among.includes(name)) return name;
  const essence = essenceOf(name);
  const [kind] = essence.split("/");
  return (
    among.find((other) => essenceOf(other) === essence) ??
    among.find((other) => essenceOf(other) === `${kind}/*`) ??
    among.find((other) => essenceOf(other) === "*/*")
  );
}

function essenceOf(mediaType: string): string {
  return (mediaType.split(";")[0] ?? "").trim().toLowerCase();
}

/** In XML and plain text everything is written as text; in a form every field is. */
function writtenAs(mediaType: string): Place["text"] {
  const essence = essenceOf(mediaType);
  if (/[/+]xml$/.test(essence) || essence.startsWith("text/")) return "everything";
  return /form/.test(essence) ? "scalars" : "none";
}
