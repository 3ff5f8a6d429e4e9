/** Builds a service, uploads the revision and starts its rollout. */
import type { Rollout } from "@tideway/api-admin";
import { isClientError } from "@tideway/client";
import { isCoded } from "@tideway/kernel";
import type { Output } from "../output.ts";
import { seconds } from "../output.ts";
import type { Admin } from "./admin.ts";
import { buildRevision } from "./build-revision.ts";
import { mayPass, patiently } from "./patience.ts";

export interface ReleaseOptions {
  readonly admin: Admin;
  readonly checkout: string;
  readonly service: string;
  readonly output: Output;
  readonly signal: AbortSignal;
  /** An operator's reason to release although the compatibility gate says no. */
  readonly acceptBreaking?: string | undefined;
}

export async function releaseService(options: ReleaseOptions): Promise<Rollout> {
  const { admin, checkout, service, output } = options;
  const startedAtMs = performance.now();
  // Nobody needs a build while nothing runs.
  await admin.me();
  const built = await buildRevision(checkout, service);
  const upload = { service, manifest: built.manifest, files: built.files };
  // The same files are the same revision, so it may be sent again to a control that was restarted.
  const { revision, isNew } = await patiently(
    () => admin.putRevision({ body: upload }),
    options.signal,
  );
  const size = `${Math.round(built.bundleBytes / 1_024)} KB`;
  const what = isNew ? `${revision} built (${size})` : `${revision} is unchanged`;
  output.tick(`${what}  ${seconds(performance.now() - startedAtMs)}`);
  return startOnce(options, revision);
}

/**
 * A start whose answer was lost may have begun the rollout. Asked again, control says so, and then
 * the one under way is ours.
 */
async function startOnce(options: ReleaseOptions, revision: string) {
  const { admin, service, signal, output, acceptBreaking } = options;
  const body = { revision, ...(acceptBreaking === undefined ? {} : { acceptBreaking }) };
  let isSecond = false;
  return patiently(async () => {
    try {
      return await admin.startRollout({ body });
    } catch (error) {
      if (isSecond && isCoded(error, "ROLLOUT_RUNNING", "REVISION_IS_STABLE")) {
        const latest = await admin.latestRollout({ params: { service } });
        if (latest.to === revision) return latest;
      }
      for (const line of refusalLines(error)) output.cross(line);
      isSecond ||= mayPass(error);
      throw error;
    }
  }, signal);
}

/** Each finding of the compatibility gate on a line of its own. */
function refusalLines(error: unknown): string[] {
  if (!isCoded(error, "API_INCOMPATIBLE") || !isClientError(error.cause)) return [];
  const { findings } = error.cause.given;
  return typeof findings === "string" ? findings.split("\n") : [];
}
