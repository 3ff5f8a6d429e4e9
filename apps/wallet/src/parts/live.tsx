import type { ReactNode } from "react";

export interface LiveProps {
  readonly className?: string;
  readonly children: ReactNode;
}

/** Words that change while one looks at them; screen readers say each change in a pause. */
export function Live({ className = "", children }: LiveProps) {
  return (
    <output className={`w-live ${className}`} aria-live="polite">
      {children}
    </output>
  );
}
