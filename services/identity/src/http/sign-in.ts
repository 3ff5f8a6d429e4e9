import { createHmac } from "node:crypto";
import { identityErrors } from "@tideway/api-identity";
import type { Handler } from "@tideway/http";
import { isCoded } from "@tideway/kernel";
import { tx } from "@tideway/store";
import type { Dependencies, Routes } from "../dependencies.ts";
import { normaliseEmail } from "../domain/email.ts";
import { admitAttempt } from "../domain/throttle.ts";
import { startSession } from "../start-session.ts";
import { findPersonByEmail, replacePasswordHash } from "../store/people.ts";
import type { PersonRow } from "../store/people.ts";
import { clearFailures, lockFailures, saveFailures } from "../store/sign-in-failures.ts";
import { replySession } from "./session-reply.ts";

/** Signs a person in. An unknown address is treated, and takes as long, as a wrong password. */
export function signIn(deps: Dependencies): Handler<Routes["signIn"]> {
  return async (request) => {
    const email = normaliseEmail(request.body.email);
    const accountHash = createHmac("sha256", deps.addressKey).update(email).digest();
    const attempt: Attempt = {
      email,
      accountHash,
      password: request.body.password,
      signal: request.signal,
    };
    try {
      const turn = accountHash.toString("hex");
      const person = await deps.signInTurns.run(turn, () => prove(deps, attempt), request.signal);
      const issued = await tx(deps.pool, (t) => startSession(t, deps.clock, person));
      return await replySession(deps, request, issued);
    } catch (error) {
      if (isCoded(error, "SIGN_IN_THROTTLED")) {
        request.setHeader("retry-after", String(error.given["seconds"]));
      }
      throw error;
    }
  };
}

interface Attempt {
  readonly email: string;
  readonly accountHash: Buffer;
  readonly password: string;
  readonly signal: AbortSignal;
}

async function prove(deps: Dependencies, attempt: Attempt): Promise<PersonRow> {
  const person = await findPersonByEmail(deps.pool, attempt.email);
  const { password, signal } = attempt;
  // Counted when its turn has come: who is turned away for load, or leaves, has not guessed wrong.
  const onTurn = () => countAttempt(deps, attempt.accountHash);
  const hash = person?.passwordHash ?? null;
  const check = await deps.hasher.check(password, hash, { signal, onTurn });
  if (person === null || !check.matches) throw identityErrors.error("CREDENTIALS_WRONG");
  await clearFailures(deps.pool, attempt.accountHash);
  if (check.outdated) {
    const renewed = await deps.hasher.hash(password, signal);
    const change = { person: person.person, from: person.passwordHash, to: renewed };
    await replacePasswordHash(deps.pool, change);
  }
  return person;
}

/** Counts the attempt before its password is looked at. Throws SIGN_IN_THROTTLED. */
async function countAttempt(deps: Dependencies, accountHash: Buffer): Promise<void> {
  const nowMs = deps.clock.now();
  const admitted = await tx(deps.pool, async (t) => {
    const attempt = admitAttempt(await lockFailures(t, accountHash, nowMs), nowMs);
    if (attempt.kind === "allowed") await saveFailures(t, accountHash, attempt.record);
    return attempt;
  });
  if (admitted.kind === "throttled") {
    throw identityErrors.error("SIGN_IN_THROTTLED", { given: { seconds: admitted.seconds } });
  }
}
