import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { useWords } from "./words.ts";

export interface ShellProps {
  /** The mark and the name, linked home. */
  readonly brand: ReactNode;
  /** Links to the main places. */
  readonly nav?: ReactNode;
  /** What stands at the far end of the header. */
  readonly aside?: ReactNode;
  /** `narrow` reads like a phone, `wide` like a desk. */
  readonly width?: "narrow" | "medium" | "wide";
  readonly children: ReactNode;
}

/** Header, main landmark and the link that skips to it. */
export function Shell({ brand, nav, aside, width = "medium", children }: ShellProps) {
  const words = useWords();
  return (
    <div className="tw-shell" data-width={width}>
      <a className="tw-skip" href="#main">
        {words.skipToContent}
      </a>
      <header className="tw-header">
        <div className="tw-header-inner">
          {brand}
          {nav}
          <div className="tw-header-aside">{aside}</div>
        </div>
      </header>
      <main id="main" tabIndex={-1} className="tw-main">
        {children}
      </main>
    </div>
  );
}

export interface PageProps {
  /** The screen's heading, and the first part of the tab's title. */
  readonly title: string;
  /** The last part of the tab's title. */
  readonly appName?: string;
  /** A link back, above the heading. */
  readonly back?: ReactNode;
  /** Beside the heading, for example a chip or a button. */
  readonly aside?: ReactNode;
  /** Keeps the heading for screen readers where the screen speaks for itself. */
  readonly titleHidden?: boolean;
  readonly children: ReactNode;
}

let pagesShown = 0;

/**
 * One screen. On a change of screen the focus goes to its heading, so that keyboards and screen
 * readers start there; not on the first one, where the browser starts at the top by itself.
 */
export function Page({
  title,
  appName = "Tideway",
  back,
  aside,
  titleHidden,
  children,
}: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} \u00b7 ${appName}`;
  }, [title, appName]);
  useEffect(() => {
    pagesShown += 1;
    const asked = document.activeElement?.hasAttribute("data-autofocus") ?? false;
    if (pagesShown > 1 && !asked) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className="tw-page">
      {back}
      <div className={titleHidden === true ? "tw-hidden" : "tw-page-head"}>
        <h1 ref={heading} tabIndex={-1} className="tw-title">
          {title}
        </h1>
        {aside}
      </div>
      {children}
    </div>
  );
}
