import { Button, Popover } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Icon, ThemeToggle } from "@tideway/ui";
import type { Operator } from "../data/admin.ts";
import { signOut } from "../data/session.ts";
import { Failure } from "./failure.tsx";

/** Who is signed in, the theme, the keys, and the way out. */
export function OperatorMenu({ operator }: { readonly operator: Operator }) {
  const client = useQueryClient();
  const leave = useMutation({ mutationFn: () => signOut(client) });
  return (
    <Popover position="bottom-end" width={272} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="subtle"
          className="operator-button"
          aria-label={`Operator ${operator.name}: theme, sign out`}
          leftSection={<Icon name="person" />}
        >
          <span className="wide-only">{operator.name}</span>
        </Button>
      </Popover.Target>
      <Popover.Dropdown className="operator-menu" aria-label="Operator">
        <p>
          Signed in as <strong>{operator.name}</strong>
        </p>
        <ThemeToggle />
        <p className="tw-muted small">
          Press <kbd>?</kbd> for the keys.
        </p>
        {leave.error === null ? null : <Failure error={leave.error} />}
        <Button variant="default" loading={leave.isPending} onClick={() => leave.mutate()}>
          Sign out
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
