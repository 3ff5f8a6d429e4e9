import { useEffect, useState } from "react";
import { Icon } from "./icons.tsx";
import { useWords } from "./words.ts";

/** How long "Copied" stays before the button offers to copy again. */
const COPIED_SHOWN_MS = 2_000;

export interface CopyIdProps {
  readonly id: string;
  /** What the id is of: "transfer id". */
  readonly what: string;
  /** Shown instead of the id where the id is too long; the whole id is copied. */
  readonly shown?: string;
  /** True where a label beside it already says what it is; screen readers hear it all the same. */
  readonly whatHidden?: boolean;
  /** The tooltip, where `what` already says what a press does. */
  readonly says?: string;
}

/** An id in the mono face that is copied by a press, and says so. */
export function CopyId({ id, what, shown, whatHidden = false, says }: CopyIdProps) {
  const words = useWords();
  const { state, copy } = useCopy(id);
  const said = { idle: "", copied: words.copied, failed: words.copyFailed }[state];
  return (
    <span className="tw-copy">
      <button
        type="button"
        className="tw-copy-button"
        onClick={copy}
        title={says ?? words.copy(what)}
      >
        <span className={whatHidden ? "tw-hidden" : "tw-copy-what"}>{what}</span>
        <code>{shown ?? id}</code>
        <Icon name={state === "copied" ? "check" : "copy"} size={14} />
      </button>
      <span className="tw-copy-said" aria-live="polite">
        {said}
      </span>
    </span>
  );
}

export interface CopyState {
  readonly state: "idle" | "copied" | "failed";
  readonly copy: () => void;
}

/** Copies `text` by the clipboard, which some browsers and plain-http pages do not give. */
export function useCopy(text: string): CopyState {
  const [state, setState] = useState<CopyState["state"]>("idle");
  useEffect(() => {
    if (state === "idle") return undefined;
    const timer = setTimeout(() => setState("idle"), COPIED_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = (): void => {
    writeClipboard(text).then(
      () => setState("copied"),
      () => setState("failed"),
    );
  };
  return { state, copy };
}

async function writeClipboard(text: string): Promise<void> {
  if (!("clipboard" in navigator)) throw new Error("This page may not use the clipboard.");
  await navigator.clipboard.writeText(text);
}
