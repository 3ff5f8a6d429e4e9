import type { ReactNode, Ref, UIEventHandler } from "react";

export interface ScrollBoxProps {
  readonly label: string;
  readonly className: string;
  readonly children: ReactNode;
  readonly ref?: Ref<HTMLElement>;
  readonly onScroll?: UIEventHandler<HTMLElement>;
}

/** A part of the page that scrolls by itself, by the keyboard too: Home, End, the page keys. */
export function ScrollBox({ label, children, ...rest }: ScrollBoxProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys scroll what has the focus
    <section tabIndex={0} aria-label={label} {...rest}>
      {children}
    </section>
  );
}
