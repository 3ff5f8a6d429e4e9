import { Button, NativeSelect } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { RevisionSummary } from "@tideway/api-admin";
import { useState } from "react";
import { useLogTail } from "../../data/use-log-tail.ts";
import { LOG_LINES_MAX } from "../../domain/log-view.ts";
import { SearchField } from "../../parts/search-field.tsx";
import { LogLines } from "./log-lines.tsx";

export interface LogsTabProps {
  readonly service: string;
  readonly revisions: readonly RevisionSummary[];
}

/** The tail of the service's logs. Revision and words to look for are in the address. */
export function LogsTab({ service, revisions }: LogsTabProps) {
  const { revision } = useSearch({ from: "/services/$service" });
  const [isFollowing, setIsFollowing] = useState(true);
  return (
    <div className="stack">
      <LogControls
        revisions={revisions}
        isFollowing={isFollowing}
        onFollow={() => setIsFollowing((was) => !was)}
      />
      <Tail
        key={`${service} ${revision ?? ""}`}
        service={service}
        revision={revision}
        isFollowing={isFollowing}
      />
      <p className="tw-muted small">
        The newest {LOG_LINES_MAX.toLocaleString("en")} lines are kept on this page; the files keep
        the rest.
      </p>
    </div>
  );
}

interface TailProps {
  readonly service: string;
  readonly revision: string | undefined;
  readonly isFollowing: boolean;
}

function Tail({ service, revision, isFollowing }: TailProps) {
  const { q = "" } = useSearch({ from: "/services/$service" });
  const tail = useLogTail({ service, revision, isFollowing });
  return <LogLines tail={tail} filter={q} isFollowing={isFollowing} />;
}

interface LogControlsProps {
  readonly revisions: readonly RevisionSummary[];
  readonly isFollowing: boolean;
  readonly onFollow: () => void;
}

function LogControls({ revisions, isFollowing, onFollow }: LogControlsProps) {
  const search = useSearch({ from: "/services/$service" });
  const navigate = useNavigate({ from: "/services/$service" });
  return (
    <div className="log-controls">
      <NativeSelect
        aria-label="Revision"
        value={search.revision ?? ""}
        data={[
          { value: "", label: "All revisions" },
          ...revisions.map(({ revision, role }) => ({
            value: revision,
            label: `${revision}, ${role}`,
          })),
        ]}
        onChange={(event) => {
          const { value } = event.currentTarget;
          const { revision: _, ...rest } = search;
          void navigate({ search: value === "" ? rest : { ...rest, revision: value } });
        }}
      />
      <SearchField
        label="Show lines with these words"
        placeholder="Lines with these words  ( / )"
        value={search.q ?? ""}
        onSearch={(text) => {
          const { q: _, ...rest } = search;
          void navigate({ search: text === "" ? rest : { ...rest, q: text }, replace: true });
        }}
      />
      <Button variant="default" onClick={onFollow} aria-pressed={!isFollowing}>
        {isFollowing ? "Pause" : "Follow"}
      </Button>
    </div>
  );
}
