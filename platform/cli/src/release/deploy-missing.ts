/** The last steps of `up`: services never released on this home come out, the others are awaited. */
import { DEMO_OPERATOR } from "@tideway/api-admin";
import { DEMO_PASSWORD, DEMO_PEOPLE } from "@tideway/api-identity";
import type { Rollout } from "@tideway/api-admin";
import { isCoded, until } from "@tideway/kernel";
import type { DeployMissing, UpContext } from "../deploy-missing.ts";
import { connectAdmin } from "./admin.ts";
import type { Admin } from "./admin.ts";
import { listServices } from "./build-revision.ts";
import { releaseErrors } from "./errors.ts";
import { followRollout } from "./follow-rollout.ts";
import { releaseService } from "./release-service.ts";

const FIRST_RELEASE_SECONDS = 120;
const SERVING_MS_MAX = 60_000;

export const deployMissing: DeployMissing = async (context) => {
  const { home, checkout, env, output } = context;
  const admin = connectAdmin({ checkout, env, homeFolder: home.folder });
  const { services } = await admin.services();
  const released = new Set(services.flatMap(({ service, stable }) => (stable ? service : [])));
  const known = await listServices(checkout);
  await Promise.all(
    known.map((service) =>
      output.step(`${service} serves`, () =>
        released.has(service)
          ? awaitServing(admin, service, context)
          : releaseFirst(admin, service, context),
      ),
    ),
  );
  if (context.up.profile !== "demo") return;
  const [person] = DEMO_PEOPLE;
  context.announceSignIn({ app: "wallet", name: person.email, password: DEMO_PASSWORD });
  context.announceSignIn({ app: "console", ...DEMO_OPERATOR });
};

async function releaseFirst(admin: Admin, service: string, context: UpContext): Promise<void> {
  const { output, signal } = context;
  const begun = (await runningFirst(admin, service)) ?? (await beginFirst(admin, service, context));
  const ended = await followRollout({
    admin,
    rollout: begun.rollout,
    output: quiet(output),
    signal,
    repaint: false,
    timeoutSeconds: FIRST_RELEASE_SECONDS,
  });
  if (ended.state === "promoted") return;
  const problem = [...ended.decisions.slice(0, 1).map(({ text }) => text), ...ended.failureLog];
  throw releaseErrors.error("FIRST_RELEASE_FAILED", {
    given: { service, problem: problem.join("\n") },
  });
}

async function beginFirst(admin: Admin, service: string, context: UpContext): Promise<Rollout> {
  const { checkout, output, signal } = context;
  try {
    return await releaseService({ admin, checkout, service, output: quiet(output), signal });
  } catch (error) {
    // Somebody else was faster, perhaps an `up` that was killed without its child.
    if (!isCoded(error, "ROLLOUT_RUNNING", "REVISION_IS_STABLE")) throw error;
    return admin.latestRollout({ params: { service } });
  }
}

/**
 * The service's first release if it is under way or has just ended well: an `up` that was
 * interrupted may have begun it, and control went on with it when it was back.
 */
async function runningFirst(admin: Admin, service: string): Promise<Rollout | null> {
  try {
    const latest = await admin.latestRollout({ params: { service } });
    const isOver = latest.finishedAt !== null && latest.state !== "promoted";
    return isOver ? null : latest;
  } catch (error) {
    if (isCoded(error, "SERVICE_UNKNOWN", "ROLLOUT_UNKNOWN")) return null;
    throw error;
  }
}

async function awaitServing(admin: Admin, service: string, context: UpContext): Promise<void> {
  await until(
    async () => {
      context.signal.throwIfAborted();
      const { service: now } = await admin.service({ params: { service } });
      // One that sleeps is woken by whoever asks for it first.
      return now.health === "serving" || now.health === "asleep";
    },
    { deadlineMs: SERVING_MS_MAX, intervalMs: 100, what: `${service} serves` },
  );
}

/** Only the step itself is told; its parts would come between the ticks of the others. */
function quiet(output: UpContext["output"]): UpContext["output"] {
  return { ...output, note: () => {}, tick: () => {} };
}
