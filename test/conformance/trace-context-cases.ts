/**
 * The W3C's own cases of trace context (../shared/cases), made runnable. They are requests and
 * assertions in the words of the suite they come from; each form of assertion is understood here,
 * and one that is not makes its case fail rather than pass.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface TraceCase {
  readonly name: string;
  readonly steps: readonly TraceStep[];
}

export interface TraceStep {
  readonly headers: readonly (readonly [string, string])[];
  readonly asserts: readonly (readonly string[])[];
  /** Names in the assertions that the suite computes. */
  readonly names: Readonly<Record<string, string>>;
}

/** What a callee received, several headers of one name joined. */
export interface Outgoing {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

const FILE = fileURLToPath(
  new URL("../../../shared/cases/reliability/w3c-trace-context/cases.json", import.meta.url),
);
const FIXED_PARENT = "00-12345678901234567890123456789012-1234567890123456-00";

/** The cases with steps of their own; null when the files are not there. */
export function readTraceCases(): readonly TraceCase[] | null {
  if (!existsSync(FILE)) return null;
  // The file's form is described in its folder's README.
  const { cases } = JSON.parse(readFileSync(FILE, "utf8")) as { cases: readonly RawCase[] };
  return cases.map(({ name, steps }) => ({
    name,
    steps: steps.map((step, i) => toStep(name, i, step)),
  }));
}

interface RawCase {
  readonly name: string;
  readonly steps: readonly RawStep[];
}

interface RawStep {
  readonly request_headers: readonly [string, string][] | { readonly python_expr: string };
  readonly asserts: readonly (readonly string[])[];
}

function toStep(name: string, index: number, raw: RawStep): TraceStep {
  if ("python_expr" in raw.request_headers) {
    const computed = COMPUTED[name]?.[index];
    if (computed === undefined) throw new Error(`${name}, step ${index}: what does it send?`);
    const headers = computed.states.map((state) => ["tracestate", state] as const);
    return {
      headers: [["traceparent", FIXED_PARENT], ...headers],
      asserts: raw.asserts,
      names: computed.names,
    };
  }
  return { headers: raw.request_headers, asserts: raw.asserts, names: {} };
}

interface Computed {
  readonly states: readonly string[];
  readonly names: Readonly<Record<string, string>>;
}

const visible = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join("");
const LETTERS = visible(0x61, 0x7a);
const DIGITS = visible(0x30, 0x39);
/** Every character of a value: visible ones and the space, without comma and equals sign. */
const EVERY_VALUE = ` ${visible(0x21, 0x2b)}${visible(0x2d, 0x3c)}${visible(0x3e, 0x7e)}`;

const oneKey = (names: Readonly<Record<string, string>>, key: string): Computed => ({
  states: [`${key}=${names["value"] ?? ""}`],
  names,
});
const longKey = (key: string): Computed => ({ states: ["foo=1", `${key}=1`], names: { key } });

/** The headers that the suite computes, by the grammar that it tests (section 3.3.1.3). */
const COMPUTED: Readonly<Record<string, readonly Computed[]>> = {
  test_tracestate_all_allowed_characters: [
    { key: "key_without_vendor", text: `${LETTERS}${DIGITS}_-*/` },
    { key: "key_with_vendor", text: `${DIGITS}${LETTERS}_-*/@a-z0-9_-*/` },
  ].map(({ key, text }) => oneKey({ [key]: text, value: EVERY_VALUE }, text)),
  test_tracestate_key_length_limit: [
    "z".repeat(256),
    "z".repeat(257),
    `${"t".repeat(241)}@${"v".repeat(14)}`,
    `${"t".repeat(242)}@v`,
    `t@${"v".repeat(254)}`,
  ].map(longKey),
};

/** Throws when the assertion does not hold, or is not understood. */
export function check(assertion: readonly string[], step: TraceStep, seen: Outgoing): void {
  const [kind = "", ...parts] = assertion;
  const said = assertion.join(" ");
  const value = (text = ""): unknown => valueOf(text, step, seen);
  const holds = ((): boolean => {
    switch (kind) {
      case "assertEqual":
        if (parts[0] === "len(tracestate1)") return seen.tracestate === undefined;
        return value(parts[0]) === value(parts[1]);
      case "assertNotEqual":
        return value(parts[0]) !== value(parts[1]);
      case "assertIn":
        return membersOf(seen.tracestate).has(String(value(parts[0])));
      case "assertRaises":
        return value(/lambda: (.*)$/.exec(parts[1] ?? "")?.[1]) === undefined;
      case "assertTrue":
        return truthOf(parts[0] ?? "", seen);
      case "assert_bit_set":
        return (flagsOf(seen.traceparent) & Number(parts[1])) !== 0;
      default:
        throw new Error(`Not understood: ${said}`);
    }
  })();
  if (!holds) throw new Error(`${said}\nfound ${seen.traceparent}; ${String(seen.tracestate)}`);
}

function valueOf(text: string, step: TraceStep, seen: Outgoing): unknown {
  const [, traceId, parentId] = seen.traceparent.split("-");
  if (text === "traceparent.trace_id.hex()") return traceId;
  if (text === "traceparent.parent_id.hex()") return parentId;
  if (text === "len(tracestate)") return membersOf(seen.tracestate).size;
  const literal = /^'(.*)'$/.exec(text)?.[1];
  if (literal !== undefined) return literal;
  if (/^\d+$/.test(text)) return Number(text);
  const key = /^tracestate\[(.*)\]$/.exec(text)?.[1];
  if (key !== undefined) return membersOf(seen.tracestate).get(String(valueOf(key, step, seen)));
  const named = step.names[text];
  if (named === undefined) throw new Error(`Not understood: ${text}`);
  return named;
}

/** "'foo=1' in str(tracestate)", "a or b", and the order of two members. */
function truthOf(text: string, seen: Outgoing): boolean {
  const state = seen.tracestate ?? "";
  if (text === "not tracestate or tracestate != ''") return seen.tracestate !== "";
  return text.split(" or ").some((one) => {
    const within = /^'([^']*)' in str\(tracestate\)$/.exec(one)?.[1];
    if (within !== undefined) return state.includes(within);
    const order =
      /^str\(tracestate\)\.index\('([^']*)'\) < str\(tracestate\)\.index\('([^']*)'\)$/.exec(one);
    if (order?.[1] === undefined || order[2] === undefined)
      throw new Error(`Not understood: ${one}`);
    const [first, second] = [state.indexOf(order[1]), state.indexOf(order[2])];
    return first >= 0 && first < second;
  });
}

function membersOf(tracestate: string | undefined): ReadonlyMap<string, string> {
  const members = (tracestate ?? "").split(",").filter((member) => member.trim() !== "");
  return new Map(
    members.map((member): [string, string] => {
      const end = member.indexOf("=");
      return [member.slice(0, end).trim(), member.slice(end + 1)];
    }),
  );
}

function flagsOf(traceparent: string): number {
  return Number.parseInt(traceparent.slice(-2), 16);
}
