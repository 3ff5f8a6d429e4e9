import type { ReactNode } from "react";
import { Mark } from "./mark.tsx";

export interface EmptyNoteProps {
  /** What will be here. */
  readonly title: string;
  /** How to begin. */
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** An empty place: what will be here and how to begin. */
export function EmptyNote({ title, children, action }: EmptyNoteProps) {
  return (
    <div className="tw-empty">
      <Mark size={32} />
      <p className="tw-note-title">{title}</p>
      {children === undefined ? null : <p className="tw-muted">{children}</p>}
      {action}
    </div>
  );
}
