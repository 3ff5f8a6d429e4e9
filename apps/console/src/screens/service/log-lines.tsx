import { Skeleton } from "@mantine/core";
import { EmptyNote } from "@tideway/ui";
import { memo, useEffect, useRef } from "react";
import type { LogTail } from "../../data/use-log-tail.ts";
import { clockTime } from "../../domain/format.ts";
import { logView, matchesFilter } from "../../domain/log-view.ts";
import type { BufferedLine } from "../../domain/log-view.ts";
import { Failure } from "../../parts/failure.tsx";
import { ScrollBox } from "../../parts/scroll-box.tsx";

export interface LogLinesProps {
  readonly tail: LogTail;
  readonly filter: string;
  readonly isFollowing: boolean;
}

/** How near to its end the list counts as being at its end, in pixels. */
const END_PX = 48;

export function LogLines({ tail, filter, isFollowing }: LogLinesProps) {
  const list = useRef<HTMLElement>(null);
  const isAtEnd = useRef(true);
  const { lines, error } = tail;
  useEffect(() => {
    // Only a reader who is at the end is taken along; one who scrolled up keeps the place.
    const element = list.current;
    if (element !== null && isFollowing && isAtEnd.current)
      element.scrollTop = element.scrollHeight;
  });
  if (lines === null) {
    if (error !== null) return <Failure error={error} />;
    return <LogSkeleton />;
  }
  const shown = filter === "" ? lines : lines.filter((line) => matchesFilter(line, filter));
  return (
    <>
      {error === null ? null : <Failure error={error} />}
      {shown.length === 0 ? (
        <div className="tw-card">
          <EmptyNote
            title={lines.length === 0 ? "Nothing was written yet" : "No line has these words"}
          >
            {isFollowing ? "New lines appear by themselves." : "Paused: new lines are not fetched."}
          </EmptyNote>
        </div>
      ) : (
        <ScrollBox
          ref={list}
          className="log tw-card"
          label="Log lines"
          onScroll={(event) => {
            const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
            isAtEnd.current = scrollHeight - scrollTop - clientHeight < END_PX;
          }}
        >
          {shown.map((line) => (
            <LogRow key={line.sequence} line={line} />
          ))}
        </ScrollBox>
      )}
    </>
  );
}

const LogRow = memo(function LogRow({ line }: { readonly line: BufferedLine }) {
  const view = logView(line.text);
  return (
    <div className="log-row" data-level={view.level ?? "none"}>
      <span className="tw-muted">{view.atMs === null ? "" : clockTime(view.atMs)}</span>
      <span className="log-revision">{line.revision}</span>
      <span className="log-level">{view.level ?? ""}</span>
      <span className="log-text">
        {view.message}
        {view.fields === "" ? null : <span className="tw-muted"> {view.fields}</span>}
      </span>
    </div>
  );
});

function LogSkeleton() {
  return (
    <section className="log tw-card" aria-busy="true" aria-label="Loading">
      {[62, 48, 71, 55, 66, 40].map((width) => (
        <div className="log-row" key={width}>
          <Skeleton height={14} width={`${width}%`} />
        </div>
      ))}
    </section>
  );
}
