/**
 * Which revision a person meets. One SHA-256 over the rollout's id and the person's key gives two
 * independent numbers: a place in [0, 1), and a name for the evidence that leads back to nobody.
 * A person is at the candidate when their place is below the weight, so that a rising weight only
 * ever moves people towards the candidate; the salt makes rollouts independent of each other.
 */
import { hash } from "node:crypto";
import type { Lane, Split } from "./config.ts";

const PLACE_DIGITS = 13;
const KEY_DIGITS = 16;
const PLACES = 2 ** 52;

export interface Place {
  /** In [0, 1). */
  readonly position: number;
  /** The same as a whole number below 2^52: a small key for the set of people already seen. */
  readonly number: number;
  /** 16 hex digits for the evidence. */
  readonly person: string;
}

export function placeOf(rollout: string, personKey: string): Place {
  const digest = hash("sha256", `${rollout}\n${personKey}`, "hex");
  const number = Number.parseInt(digest.slice(16, 16 + PLACE_DIGITS), 16);
  return { position: number / PLACES, number, person: digest.slice(0, 16) };
}

/**
 * What stands for an event's ordering key wherever it is split or judged by: the first 16 hex digits
 * of its SHA-256. The gateway never sees the key itself.
 */
export function keyDigitsOf(key: string): string {
  return hash("sha256", key, "hex").slice(0, KEY_DIGITS);
}

/** The person that a key is taken for. */
export function personOfKey(keyDigits: string): string {
  return `key ${keyDigits}`;
}

/** The lane of an ordering key under this split; the bus delivers by it, the gateway judges by it. */
export function laneOfKey(split: Split, keyDigits: string): Lane {
  if (split.candidate === null || split.rollout === null) return "stable";
  return laneOf(split, placeOf(split.rollout, personOfKey(keyDigits)));
}

/** The lane at this place under this split. */
export function laneOf(split: Split, place: Place | null): Lane {
  if (split.candidate === null || place === null) return "stable";
  return place.position < split.weight / 100 ? "candidate" : "stable";
}
