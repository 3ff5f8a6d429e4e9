/** What both routes and events speak of. */
import { IdOf } from "@tideway/schema";
import { Type } from "typebox";

export const AccountId = IdOf("acc");
export const TransferId = IdOf("trf");
/** What a transfer is for, as in grants. */
export const Code = Type.String({ pattern: "^[a-z][a-z0-9-]{1,30}$" });

/** `post` moves now; `hold` reserves; `post-hold` and `void-hold` end a hold. */
export const TransferKind = Type.Union([
  Type.Literal("post"),
  Type.Literal("hold"),
  Type.Literal("post-hold"),
  Type.Literal("void-hold"),
]);
