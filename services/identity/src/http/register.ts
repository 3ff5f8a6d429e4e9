import type { Handler } from "@tideway/http";
import { newId } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { normaliseEmail } from "../domain/email.ts";
import { checkNewPassword } from "../domain/password-rule.ts";
import { normaliseName } from "../domain/person-name.ts";
import { startSession } from "../start-session.ts";
import { insertPerson } from "../store/people.ts";
import { replySession } from "./session-reply.ts";

/** Signs a person up and in. */
export function register(deps: Dependencies): Handler<Routes["register"]> {
  return async (request) => {
    const email = normaliseEmail(request.body.email);
    const name = normaliseName(request.body.name);
    checkNewPassword(request.body.password);
    const passwordHash = await deps.hasher.hash(request.body.password, request.signal);
    const createdAtMs = deps.clock.now();
    const person = { person: newId("per", createdAtMs), email, name };
    const issued = await tx(deps.pool, async (t) => {
      await insertPerson(t, { ...person, passwordHash, demo: false, createdAtMs });
      return startSession(t, deps.clock, person);
    });
    return replySession(deps, request, issued);
  };
}
