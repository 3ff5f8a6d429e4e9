/**
 * The release gate: a candidate that cannot live beside what runs, or beside what a rollback would
 * bring back, gets no traffic, and nothing of it is migrated.
 *
 *   judge (before migrations) ── refused ──> API_INCOMPATIBLE
 *     └── passed ──> migrations ──> confirm, in the transaction that begins the rollout
 *
 * Two services may be released at once. Whoever writes its rollout down second finds that the world
 * is another one than it was judged against, and is judged again under a lock.
 */
import { adminErrors } from "@tideway/api-admin";
import { diffApis, judgeCandidate } from "@tideway/compatibility";
import type { GateFinding, JudgedRevision, Judgement } from "@tideway/compatibility";
import { canonicalJson } from "@tideway/schema";
import type { Pool, Queryable } from "@tideway/store";
import { checkDocuments, checkManifest } from "../revision-files.ts";
import type { RevisionRow } from "../store/revisions.ts";
import { judgedRevision, liveNames, liveRevisions } from "./live-revisions.ts";
import { databaseMatrix } from "./matrix-store.ts";

export interface Gate {
  /** Throws API_INCOMPATIBLE; a `reason` lets findings pass, which the audit log then tells. */
  judge(row: RevisionRow, reason: string | null): Promise<Ticket>;
  /** In the transaction that begins the rollout. Throws API_INCOMPATIBLE. */
  confirm(db: Queryable, ticket: Ticket): Promise<void>;
  /** What the gate would say to a working tree; nothing is written. Throws REVISION_INVALID. */
  check(given: CheckedTree): Promise<Judgement>;
}

export interface Ticket {
  readonly row: RevisionRow;
  readonly reason: string | null;
  /** The world it was judged against. */
  readonly world: string;
}

export interface CheckedTree {
  readonly service: string;
  readonly manifest: unknown;
  /** Name -> text: openapi.json, asyncapi.json, expectations.json. */
  readonly documents: Readonly<Record<string, string>>;
}

/** Findings that a refusal names; all of them are in the matrix. */
const FINDINGS_TOLD_MAX = 20;
/** Any number that no other lock of control's database has. */
const LOCK = 7_301_204;

export function createGate(options: { readonly pool: Pool; readonly home: string }): Gate {
  const { pool, home } = options;
  const judgeStored = async (db: Queryable, row: RevisionRow, reason: string | null) => {
    const names = await liveNames(db);
    const candidate = await judgedRevision(db, home, row);
    const live = await liveRevisions(db, home, names);
    const matrix = databaseMatrix(db, "release");
    const judgement = await judgeCandidate({ candidate, live }, { diff: diffApis, matrix });
    if (reason === null) refuseIncompatible(row, judgement);
    return { row, reason, world: canonicalJson(names) };
  };
  return {
    judge: (row, reason) => judgeStored(pool, row, reason),
    confirm: async (db, { row, reason, world }) => {
      // Held until the rollout is written down, so that the next one sees it.
      await db.query("select pg_advisory_xact_lock($1)", [LOCK]);
      if (canonicalJson(await liveNames(db)) === world) return;
      await judgeStored(db, row, reason);
    },
    check: async (given) => {
      const candidate = treeRevision(given);
      const live = await liveRevisions(pool, home, await liveNames(pool));
      const matrix = databaseMatrix(pool, "check");
      return judgeCandidate({ candidate, live }, { diff: diffApis, matrix });
    },
  };
}

function treeRevision({ service, manifest, documents }: CheckedTree): JudgedRevision {
  const checked = checkManifest(service, manifest);
  const told = checkDocuments(checked, (name) => documents[name] ?? null);
  return {
    revision: `${service} (working tree)`,
    service,
    manifest: checked,
    documents: told,
    observed: [],
  };
}

function refuseIncompatible({ revision, service }: RevisionRow, { findings }: Judgement): void {
  const breaking = findings.filter(({ level }) => level === "breaking");
  const [first] = breaking;
  if (first === undefined) return;
  const more = breaking.length === 1 ? "" : ` (and ${breaking.length - 1} more)`;
  const told = breaking.slice(0, FINDINGS_TOLD_MAX).map(lineOf);
  throw adminErrors.error("API_INCOMPATIBLE", {
    given: {
      revision,
      // Whose working tree is to be checked: as a consumer the candidate is not the provider.
      service,
      problem: `${first.sentence.replace(/\.$/, "")}${more}`,
      findings: told.join("\n"),
      count: breaking.length,
    },
  });
}

/** One finding on one line: who, what, where, by which rule. */
function lineOf(finding: GateFinding): string {
  const { consumerRevision, operation, property, path, rule, sentence, neighbour } = finding;
  const field = property === null ? "" : ` .${property}`;
  return `${consumerRevision} (${neighbour})  ${operation}${field}  ${sentence}  [${rule} at ${path}]`;
}
