/** Key sequences for those who keep their hands on the keyboard. */
export type Command = "help" | "home" | "services" | "sagas" | "events" | "audit" | "filter";

export interface Hotkey {
  readonly keys: readonly string[];
  readonly command: Command;
  readonly does: string;
}

export const HOTKEYS: readonly Hotkey[] = [
  { keys: ["?"], command: "help", does: "Show these keys" },
  { keys: ["g", "h"], command: "home", does: "Go home" },
  { keys: ["g", "s"], command: "services", does: "Go to services" },
  { keys: ["g", "m"], command: "sagas", does: "Go to sagas, the movements" },
  { keys: ["g", "e"], command: "events", does: "Go to events" },
  { keys: ["g", "a"], command: "audit", does: "Go to the audit log" },
  { keys: ["/"], command: "filter", does: "Filter the list on this page" },
];

export interface KeyState {
  /** The first key of a sequence, when one is under way. */
  readonly prefix: string | null;
  readonly atMs: number;
}

/** A sequence is forgotten when its second key takes longer. */
export const SEQUENCE_MAX_MS = 1_000;
export const NO_KEYS: KeyState = { prefix: null, atMs: 0 };

/** What a key press means after the ones before it; `nowMs` may be any clock in milliseconds. */
export function pressKey(
  state: KeyState,
  key: string,
  nowMs: number,
): { readonly state: KeyState; readonly command: Command | null } {
  const prefix = nowMs - state.atMs > SEQUENCE_MAX_MS ? null : state.prefix;
  const keys = prefix === null ? [key] : [prefix, key];
  const hit = HOTKEYS.find((hotkey) => hotkey.keys.join(" ") === keys.join(" "));
  if (hit !== undefined) return { state: NO_KEYS, command: hit.command };
  const begins = HOTKEYS.some((hotkey) => hotkey.keys.length > 1 && hotkey.keys[0] === key);
  return { state: begins ? { prefix: key, atMs: nowMs } : NO_KEYS, command: null };
}
