/** Whether apis may live beside each other, as operators ask for it. */
import { strict } from "@tideway/schema";
import type { RouteApi } from "@tideway/schema";
import { Type } from "typebox";
import type { Static } from "typebox";
import { ServiceName } from "./views.ts";

const Neighbour = Type.Union([
  Type.Literal("stable"),
  Type.Literal("candidate"),
  /** What a rollback would return to. */
  Type.Literal("rollback"),
]);
const Verdict = Type.Union([Type.Literal("compatible"), Type.Literal("incompatible")]);
const names = {
  /** A service, or "public" for whoever comes through the public listener. */
  consumer: Type.String(),
  consumerRevision: Type.String(),
  provider: Type.String(),
  providerRevision: Type.String(),
  neighbour: Neighbour,
};

export const CompatibilityFinding = Type.Object({
  ...names,
  operation: Type.String(),
  /** JSON pointer into the provider's document. */
  path: Type.String(),
  rule: Type.String(),
  level: Type.Union([Type.Literal("breaking"), Type.Literal("warning")]),
  /** The field: `accounts[].available`; null for the whole operation. */
  property: Type.Union([Type.String(), Type.Null()]),
  sentence: Type.String(),
});
export type CompatibilityFinding = Static<typeof CompatibilityFinding>;

export const Compatibility = Type.Object({
  verdict: Verdict,
  findings: Type.Array(CompatibilityFinding),
  pairs: Type.Array(Type.Object({ ...names, verdict: Verdict })),
  /** What to know of how it was judged. */
  notes: Type.Array(Type.String()),
});
export type Compatibility = Static<typeof Compatibility>;

export const compatibilityOperations = {
  checkApi: {
    auth: "public",
    exposure: "internal",
    method: "POST",
    path: "/checks",
    summary: "What the release gate would say to these documents; nothing is released.",
    bodyBytesMax: 24 * 1_048_576,
    body: strict({
      service: ServiceName,
      manifest: Type.Unknown(),
      /** Name -> text: openapi.json, asyncapi.json, expectations.json. */
      documents: Type.Record(Type.String({ maxLength: 40 }), Type.String()),
    }),
    reply: Compatibility,
  },
} as const satisfies Readonly<Record<string, RouteApi>>;
