import { present } from "@tideway/kernel";
import type { Caller } from "@tideway/http";
import type { Actor } from "../domain/grants.ts";

/** Who asks, on a route that only services may call. */
export function actorOf(request: {
  readonly caller: Caller;
  readonly person: string | null;
}): Actor {
  const { service, revision, grants } = request.caller;
  return {
    service: present(service, "This route is declared for services."),
    revision: present(revision, "A service always calls from one of its revisions."),
    person: request.person,
    grants,
  };
}
