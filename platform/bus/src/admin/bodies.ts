/** What control may send to the bus, checked before anything of it is believed. */
import { Consumption, Emission } from "@tideway/schema";
import { Type } from "typebox";
import type { Static } from "typebox";
import { Compile } from "typebox/compile";
import type { BusConfig, ReplayRequest } from "../config.ts";
import { busErrors } from "../errors.ts";

const name = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" });

const Revision = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100 }),
  consumes: Type.Array(Consumption, { maxItems: 200 }),
  emits: Type.Array(Emission, { maxItems: 200 }),
  cron: Type.Record(Type.String(), Type.String({ maxLength: 200 })),
});

const Config = Type.Object({
  epoch: Type.Integer({ minimum: 0 }),
  services: Type.Array(
    Type.Object({
      name,
      database: Type.Union([Type.String({ pattern: "^[a-z_][a-z0-9_]{0,62}$" }), Type.Null()]),
      revisions: Type.Array(Revision, { maxItems: 10 }),
    }),
    { maxItems: 500 },
  ),
});

const Redrive = Type.Object({ key: Type.Optional(Type.String({ maxLength: 200 })) });

const Replay = Type.Object({
  from: Type.Union([
    Type.Literal("beginning"),
    Type.Object({ time: Type.String({ maxLength: 40 }) }, { additionalProperties: false }),
    Type.Object({ eventId: Type.String({ maxLength: 60 }) }, { additionalProperties: false }),
  ]),
  types: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 200 })),
});

const config = Compile(Config);
const redrive = Compile(Redrive);
const replay = Compile(Replay);

/** Throws BUS_CONFIG_INVALID with the path of the first problem. */
export function checkConfig(value: unknown): BusConfig {
  return checked(config, value);
}

export function checkRedrive(value: unknown): Static<typeof Redrive> {
  return checked(redrive, value);
}

export function checkReplay(value: unknown): ReplayRequest {
  return checked(replay, value);
}

interface Checker<T> {
  Check(value: unknown): value is T;
  Errors(value: unknown): { readonly instancePath: string; readonly message: string }[];
}

function checked<T>(checker: Checker<T>, value: unknown): T {
  if (checker.Check(value)) return value;
  const [first] = checker.Errors(value);
  const given = {
    path: first?.instancePath || "/",
    problem: first?.message ?? "is not as declared",
  };
  throw busErrors.error("BUS_CONFIG_INVALID", { given });
}
