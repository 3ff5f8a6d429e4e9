import { Link } from "../navigation.tsx";
import { Icon } from "@tideway/ui";
import { messages } from "../messages.ts";

export interface BackLinkProps {
  readonly to?: "/" | "/send" | "/request" | "/requests";
  readonly children?: string;
}

export function BackLink({ to = "/", children = messages.common.home }: BackLinkProps) {
  return (
    <Link to={to} className="w-back">
      <Icon name="back" size={14} />
      {children}
    </Link>
  );
}
