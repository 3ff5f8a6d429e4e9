import { Link } from "@tanstack/react-router";
import { StateChip } from "@tideway/ui";
import type { Need } from "../domain/needs-me.ts";
import { TextWithIds } from "./text-with-ids.tsx";

/** A sentence with the one thing to do about it. */
export function NeedRow({ need }: { readonly need: Need }) {
  return (
    <li className="need" data-tone={need.tone}>
      <StateChip tone={need.tone}>{need.word}</StateChip>
      <p>
        <TextWithIds text={need.sentence} />
      </p>
      <NeedLink need={need} />
    </li>
  );
}

function NeedLink({ need }: { readonly need: Need }) {
  const { label, page, id } = need.target;
  if (page === "rollout" && id !== null) {
    return (
      <Link className="act" to="/rollouts/$rolloutId" params={{ rolloutId: id }}>
        {label}
      </Link>
    );
  }
  if ((page === "logs" || page === "service") && id !== null) {
    const search = page === "logs" ? { tab: "logs" as const } : {};
    return (
      <Link className="act" to="/services/$service" params={{ service: id }} search={search}>
        {label}
      </Link>
    );
  }
  if (page === "services") {
    return (
      <Link className="act" to="/services">
        {label}
      </Link>
    );
  }
  return <BackboneLink target={need.target} />;
}

/** To events and sagas. */
function BackboneLink({ target }: { readonly target: Need["target"] }) {
  const { label, page, id } = target;
  if (page === "saga" && id !== null) {
    return (
      <Link className="act" to="/sagas/$saga" params={{ saga: id }}>
        {label}
      </Link>
    );
  }
  if (page === "sagas") {
    const search = id === null ? {} : { service: id, attention: true as const };
    return (
      <Link className="act" to="/sagas" search={search}>
        {label}
      </Link>
    );
  }
  if (id === null) {
    return (
      <Link className="act" to="/events">
        {label}
      </Link>
    );
  }
  const search = page === "quarantine" ? { state: "quarantined" as const } : {};
  return (
    <Link className="act" to="/events/$service" params={{ service: id }} search={search}>
      {label}
    </Link>
  );
}
