/** The gate where nothing runs: a service of the working tree against all the others of it. */
import { diffApis, judgeCandidate, parseDocuments } from "@tideway/compatibility";
import type { JudgedRevision, Judgement } from "@tideway/compatibility";
import { toManifest } from "@tideway/schema";
import { listServices, readDeclaration } from "./build-revision.ts";
import { releaseErrors } from "./errors.ts";
import { treeDocuments } from "./tree-documents.ts";

/** The answer lists may be changed by their reader, as an answer of control. */
export interface TreeJudgement {
  verdict: Judgement["verdict"];
  findings: Judgement["findings"][number][];
  pairs: Judgement["pairs"][number][];
  notes: string[];
}

export async function checkAmongThemselves(
  checkout: string,
  service: string,
): Promise<TreeJudgement> {
  const names = await listServices(checkout);
  const all = await Promise.all(names.map((name) => treeRevision(checkout, name)));
  const live = all.map((one) => ({ ...one, role: "stable" as const }));
  const candidate = all.find((one) => one.service === service);
  if (candidate === undefined) {
    throw releaseErrors.error("SERVICE_NOT_FOUND", { given: { service, known: names.join(", ") } });
  }
  const { verdict, findings, pairs, notes } = await judgeCandidate(
    { candidate, live },
    { diff: diffApis },
  );
  return { verdict, findings: [...findings], pairs: [...pairs], notes: [...notes] };
}

async function treeRevision(checkout: string, service: string): Promise<JudgedRevision> {
  const declaration = await readDeclaration(checkout, service);
  const files = await treeDocuments(checkout, declaration);
  const parsed = parseDocuments(service, (name) => files[name] ?? null);
  if (parsed.kind === "wrong") {
    const given = { service, problem: parsed.problem };
    throw releaseErrors.error("DECLARATION_INVALID", { given });
  }
  return {
    revision: service,
    service,
    manifest: toManifest(declaration),
    documents: parsed.kind === "none" ? null : parsed.documents,
    observed: [],
  };
}
