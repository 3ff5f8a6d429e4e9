import type { ServiceSummary } from "@tideway/api-admin";
import { StateChip } from "@tideway/ui";
import type { Tone } from "@tideway/ui";
import type { Part } from "../domain/needs-me.ts";

/** Health as a word and a sign; what is behind a failure stands beside it in words. */
export function HealthChip({ service }: { readonly service: ServiceSummary }) {
  const { health, healthReason } = service;
  return (
    <span className="health">
      <StateChip tone={HEALTH_TONES[health]} shape="plain">
        {health}
      </StateChip>
      {healthReason === null ? null : <span className="tw-muted small">{healthReason}</span>}
    </span>
  );
}

const HEALTH_TONES: Record<ServiceSummary["health"], Tone> = {
  serving: "good",
  asleep: "quiet",
  starting: "warn",
  failing: "bad",
};

export const PART_TONES: Record<Part["state"], Tone> = {
  up: "good",
  starting: "warn",
  down: "bad",
};
