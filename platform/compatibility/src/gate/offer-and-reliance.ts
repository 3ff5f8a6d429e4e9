/** A revision as its neighbours meet it: what it offers, and what it relies on. */
import { sortExpectations } from "@tideway/schema";
import { asyncApiOfManifest, openApiOfManifest } from "../generate/from-manifest.ts";
import type { JudgedRevision } from "./judge-candidate.ts";
import type { Change, Offer, Reliance } from "./judge-pair.ts";

/** By its documents; without any, by its manifest. */
export function offerOf({ manifest, documents }: JudgedRevision): Offer {
  return {
    openapi: documents?.openapi ?? openApiOfManifest(manifest),
    asyncapi: documents?.asyncapi ?? asyncApiOfManifest(manifest),
    emits: manifest.emits.map(({ type }) => type).sort(),
  };
}

/** What to compare of two revisions: documents if both have them, else what manifests tell of both. */
export function changeOf(before: JudgedRevision, after: JudgedRevision): Change {
  const both = [before, after] as const;
  const areKnown = both.every(({ documents }) => documents !== null);
  const [old, now] = both.map((one) => offerOf(areKnown ? one : { ...one, documents: null }));
  // `map` over two answers two.
  if (old === undefined || now === undefined) throw new Error("Two revisions make two offers.");
  return { openapi: [old.openapi, now.openapi], asyncapi: [old.asyncapi, now.asyncapi] };
}

/** Cut down to one provider, so that a change elsewhere is no new content to judge. */
export function relianceOf(revision: JudgedRevision, provider: string): Reliance {
  const { manifest, documents, observed } = revision;
  const expects = documents?.expects ?? null;
  const all = expects === null ? null : [...expects, ...(observed ?? [])];
  return {
    consumer: revision.service,
    expects: all && sortExpectations(all.filter((one) => one.provider === provider)),
    calls: manifest.calls.filter((name) => name === provider),
    consumes: manifest.consumes
      .map(({ type }) => type)
      .filter((type) => type.startsWith(`${provider}.`))
      .sort(),
  };
}
