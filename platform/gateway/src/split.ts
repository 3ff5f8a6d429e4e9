/**
 * Which revision a person meets. One SHA-256 over the rollout's id and the person's key gives two
 * independent numbers: a place in [0, 1), and a name for the evidence that leads back to nobody.
 * A person is at the candidate when their place is below the weight, so that a rising weight only
 * ever moves people towards the candidate; the salt makes rollouts independent of each other.
 */
import { hash } from "node:crypto";
import type { Lane, Split } from "./config.ts";

const PLACE_DIGITS = 13;
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

/** The lane at this place under this split. */
export function laneOf(split: Split, place: Place | null): Lane {
  if (split.candidate === null || place === null) return "stable";
  return place.position < split.weight / 100 ? "candidate" : "stable";
}
