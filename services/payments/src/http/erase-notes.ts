import { personOf } from "@tideway/http";
import type { Handler } from "@tideway/http";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { erasePersonKey, forgetAnswersWithNotes, noteErasure } from "../store/person-keys.ts";

/**
 * Destroys the person's key; a note written later gets a new one. Answers of requests that are under
 * way just now are forgotten by the background.
 */
export function eraseNotes({ pool }: Dependencies): Handler<Routes["eraseNotes"]> {
  return async (request) => {
    const person = personOf(request);
    await tx(pool, async (t) => {
      await erasePersonKey(t, person);
      await noteErasure(t, person);
      await forgetAnswersWithNotes(t, person);
    });
    return {};
  };
}
