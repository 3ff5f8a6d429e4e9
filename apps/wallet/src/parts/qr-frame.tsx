import type { ReactNode } from "react";

/** The white square a code needs in both themes, also while it is being drawn. */
export function QrFrame({ children }: { readonly children?: ReactNode }) {
  return (
    <span className="w-qr" aria-busy={children === undefined}>
      {children}
    </span>
  );
}
