/** Builds a service, uploads the revision and starts its rollout. */
import type { Rollout } from "@tideway/api-admin";
import type { Output } from "../output.ts";
import { seconds } from "../output.ts";
import type { Admin } from "./admin.ts";
import { buildRevision } from "./build-revision.ts";

export interface ReleaseOptions {
  readonly admin: Admin;
  readonly checkout: string;
  readonly service: string;
  readonly output: Output;
}

export async function releaseService(options: ReleaseOptions): Promise<Rollout> {
  const { admin, checkout, service, output } = options;
  const startedAtMs = performance.now();
  const built = await buildRevision(checkout, service);
  const { revision, isNew } = await admin.putRevision({
    body: { service, manifest: built.manifest, files: built.files },
  });
  const size = `${Math.round(built.bundleBytes / 1_024)} KB`;
  const what = isNew ? `${revision} built (${size})` : `${revision} is unchanged`;
  output.tick(`${what}  ${seconds(performance.now() - startedAtMs)}`);
  return admin.startRollout({ body: { revision } });
}
