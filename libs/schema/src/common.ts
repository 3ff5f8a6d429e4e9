/** Schemas that every api uses. */
import { Type } from "typebox";
import type { Static, TObject, TSchema } from "typebox";

/** A non-negative decimal string of minor units; its size is checked again when it is parsed. */
export const MinorAmount = Type.String({
  pattern: "^(0|[1-9][0-9]{0,38})$",
  description: "Minor units as a decimal string: 480 is 4.80 EUR.",
});

export const AssetCode = Type.String({
  pattern: "^[A-Z][A-Z0-9]{1,11}$",
  description: "The asset's code, for example EUR or USDC.",
});

export const Money = Type.Object(
  { amount: MinorAmount, asset: AssetCode, scale: Type.Integer({ minimum: 0, maximum: 18 }) },
  { additionalProperties: false },
);

export const Timestamp = Type.String({
  format: "date-time",
  description: "RFC 3339 in UTC.",
});

/** A prefixed id, for example inv_01jd... */
export function IdOf(prefix: string) {
  return Type.String({ pattern: `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$` });
}

/** RFC 9457 problem details, as every error answers. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  action: Type.String(),
  retryable: Type.Boolean(),
  given: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  traceId: Type.Optional(Type.String()),
});
export type Problem = Static<typeof Problem>;

/** A page of a list and the cursor of the next one, null at the end. */
export function PageOf<T extends TSchema>(item: T) {
  return Type.Object({
    items: Type.Array(item, { maxItems: 200 }),
    next: Type.Union([Type.String(), Type.Null()]),
  });
}

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  after: Type.Optional(Type.String({ maxLength: 200 })),
};

/** An object schema that refuses fields it does not know: for requests. */
export function strict<T extends Parameters<typeof Type.Object>[0]>(properties: T): TObject<T> {
  return Type.Object(properties, { additionalProperties: false });
}
