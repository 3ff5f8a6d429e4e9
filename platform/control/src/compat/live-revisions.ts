/**
 * Every revision that a candidate must be able to live with: what has traffic now, what a rollout is
 * about to give some, and what a rollback of each service would return to.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocuments } from "@tideway/compatibility";
import type {
  JudgedRevision,
  LiveRevision,
  LiveRole,
  RevisionDocuments,
} from "@tideway/compatibility";
import type { Queryable } from "@tideway/store";
import { revisionFolder } from "../revision-files.ts";
import { findRevisions, findRollbackTarget, listServices } from "../store/revisions.ts";
import type { RevisionRow } from "../store/revisions.ts";
import { runningRollouts } from "../store/rollouts.ts";
import { findObserved } from "./observed-store.ts";

/** A revision by name and why it is live. */
export interface LiveName {
  readonly revision: string;
  readonly role: LiveRole;
}

/** Names and roles alone: two equal lists mean that nothing began or ended in between. */
export async function liveNames(db: Queryable): Promise<LiveName[]> {
  const live = new Map<string, LiveRole>();
  const services = await listServices(db);
  for (const { service } of services) {
    const target = await findRollbackTarget(db, service);
    if (target !== null) live.set(target, "rollback");
  }
  for (const { to_revision } of await runningRollouts(db)) live.set(to_revision, "candidate");
  for (const { stable } of services) if (stable !== null) live.set(stable, "stable");
  return [...live]
    .map(([revision, role]) => ({ revision, role }))
    .sort((a, b) => (a.revision < b.revision ? -1 : 1));
}

/** The same with manifests, documents, and what was observed. */
export async function liveRevisions(
  db: Queryable,
  home: string,
  names: readonly LiveName[],
): Promise<LiveRevision[]> {
  const roles = new Map(names.map(({ revision, role }) => [revision, role]));
  const rows = await findRevisions(db, [...roles.keys()]);
  const live: LiveRevision[] = [];
  for (const row of rows) {
    const role = roles.get(row.revision);
    if (role !== undefined) live.push({ ...(await judgedRevision(db, home, row)), role });
  }
  return live.sort((a, b) => (a.revision < b.revision ? -1 : 1));
}

/** A stored revision as the gate sees it. */
export async function judgedRevision(
  db: Queryable,
  home: string,
  row: RevisionRow,
): Promise<JudgedRevision> {
  return {
    revision: row.revision,
    service: row.service,
    manifest: row.manifest,
    documents: documentsOf(home, row),
    observed: await findObserved(db, row.revision),
  };
}

/** Documents were checked when they were uploaded, and a folder of a digest never changes. */
function documentsOf(home: string, row: RevisionRow): RevisionDocuments | null {
  const folder = revisionFolder(home, row.service, row.digest);
  const parsed = parseDocuments(row.service, (name) => textOf(join(folder, name)));
  if (parsed.kind === "wrong") {
    throw new Error(`The stored revision ${row.revision} was changed: ${parsed.problem}.`);
  }
  return parsed.kind === "none" ? null : parsed.documents;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (Reflect.get(Object(error), "code") === "ENOENT") return null;
    throw error;
  }
}
