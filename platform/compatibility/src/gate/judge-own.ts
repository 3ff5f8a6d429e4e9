/**
 * A candidate and the stable revision of its own service: whether it can carry on with the sagas that the stable revision may have begun. Instances
 * keep their definition's version: one that nobody carries any more would wait for ever.
 */
import type { PairFinding } from "../verify/finding.ts";
import type { JudgedRevision } from "./judge-candidate.ts";

export function judgeSagas(stable: JudgedRevision, candidate: JudgedRevision): PairFinding[] {
  const { service } = candidate;
  const before = stable.manifest.sagas;
  const after = candidate.manifest.sagas;
  const newest = new Map<string, number>();
  for (const { name, version } of before) {
    newest.set(name, Math.max(version, newest.get(name) ?? 0));
  }
  return before.flatMap(({ name, version }) => {
    if (after.some((one) => one.name === name && one.version === version)) return [];
    const isNewest = newest.get(name) === version;
    return {
      operation: `saga ${name}`,
      path: "/sagas",
      rule: "saga-version-missing",
      // Of older ones there may be some under way, too, but a revision carries two versions.
      level: isNewest ? ("breaking" as const) : ("warning" as const),
      property: null,
      sentence: isNewest
        ? `${service} begins sagas ${name} by version ${version}, which the candidate does not carry.`
        : `Sagas ${name} of version ${version} that are still under way would wait for ${service}.`,
    };
  });
}

/** A candidate that leaves its documents out would get past every question about fields. */
export function judgeDocuments(stable: JudgedRevision, candidate: JudgedRevision): PairFinding[] {
  const { service } = candidate;
  if (stable.documents === null || candidate.documents !== null) return [];
  return [
    {
      operation: "documents",
      path: "/",
      rule: "documents-missing",
      level: "breaking",
      property: null,
      sentence: `${service} has told its api by documents, and the candidate brings none.`,
    },
  ];
}
