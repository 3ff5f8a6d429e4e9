/** The admin api's handler of `tideway check api`. */
import type { AdminHandlers } from "../http/server.ts";
import type { Gate } from "./gate.ts";

export function compatibilityHandlers(gate: Pick<Gate, "check">) {
  return {
    checkApi: async ({ body }) => {
      const { verdict, findings, pairs, notes } = await gate.check(body);
      return { verdict, findings: [...findings], pairs: [...pairs], notes: [...notes] };
    },
  } satisfies Partial<AdminHandlers>;
}
