import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";

export function keys({ keys }: Dependencies): Handler<Routes["keys"]> {
  return async () => ({ keys: keys.publicKeys().map((key) => ({ ...key })) });
}
