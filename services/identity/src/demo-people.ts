import { DEMO_PASSWORD, DEMO_PEOPLE } from "@tideway/api-identity";
import type { Profile } from "@tideway/http";
import { isCoded, newId } from "@tideway/kernel";
import type { Dependencies } from "./dependencies.ts";
import { startErrors } from "./settings.ts";
import { countDemoPeople, findPersonByEmail, insertPerson } from "./store/people.ts";

/** In demo makes the demo people; in production throws DEMO_PEOPLE_PRESENT while there are any. */
export async function settleDemoPeople(deps: Dependencies, profile: Profile): Promise<void> {
  if (profile === "demo") {
    for (const person of DEMO_PEOPLE) await addDemoPerson(deps, person);
    return;
  }
  const count = await countDemoPeople(
    deps.pool,
    DEMO_PEOPLE.map((person) => person.email),
  );
  if (count > 0) throw startErrors.error("DEMO_PEOPLE_PRESENT", { given: { count } });
}

async function addDemoPerson(
  { pool, hasher, clock }: Dependencies,
  { email, name }: (typeof DEMO_PEOPLE)[number],
): Promise<void> {
  if ((await findPersonByEmail(pool, email)) !== null) return;
  const passwordHash = await hasher.hash(DEMO_PASSWORD);
  const createdAtMs = clock.now();
  const person = newId("per", createdAtMs);
  try {
    await insertPerson(pool, { person, email, name, passwordHash, demo: true, createdAtMs });
  } catch (error) {
    // Another instance that starts at the same time was first.
    if (!isCoded(error, "EMAIL_TAKEN")) throw error;
  }
}
