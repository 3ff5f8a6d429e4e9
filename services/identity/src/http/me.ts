import { identityErrors } from "@tideway/api-identity";
import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import type { Dependencies, Routes } from "../dependencies.ts";
import { findPersonById } from "../store/people.ts";

export function me({ pool }: Dependencies): Handler<Routes["me"]> {
  return async (request) => {
    const found = await findPersonById(pool, personOf(request));
    if (found === null) throw identityErrors.error("PERSON_NOT_FOUND");
    return { person: found.person, email: found.email, name: found.name };
  };
}
