import { identityErrors } from "@tideway/api-identity";
import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { normaliseEmail } from "../domain/email.ts";
import { findPersonByEmail } from "../store/people.ts";

/** Only a whole address finds somebody; there is no search by parts that would list people. */
export function findPerson({ pool }: Dependencies): Handler<Routes["findPerson"]> {
  return async ({ query }) => {
    const found = await findPersonByEmail(pool, normaliseEmail(query.email));
    if (found === null) throw identityErrors.error("PERSON_NOT_FOUND");
    return { person: found.person, name: found.name };
  };
}
