import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { isClientError } from "@tideway/client";
import { payments } from "../api/clients.ts";
import { balancesQuery, paymentsQuery } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { dropKey, keyFor } from "../payment/keys.ts";
import { submit } from "../payment/submit.ts";
import { useSession } from "../session/browser-session.ts";
import { Failure } from "./failure.tsx";

/** Where it is remembered, for this tab, that this installation gives out no demo money. */
const UNAVAILABLE = "tideway-top-up-unavailable";

/** Demo money for an empty wallet; gone once the installation says that it has none. */
export default function TopUp() {
  const queryClient = useQueryClient();
  const slot = `top-up-${useSession().person?.person ?? ""}`;
  const topUp = useMutation({
    mutationFn: async () => {
      const idempotencyKey = keyFor(sessionStorage, slot, "");
      const outcome = await submit(() => payments.topUp({ body: {}, idempotencyKey }), {
        unclearBefore: false,
      });
      if (outcome.kind === "done") {
        dropKey(sessionStorage, slot);
        return outcome.reply.balances;
      }
      if (outcome.kind === "refused" && outcome.final) dropKey(sessionStorage, slot);
      throw outcome.error;
    },
    onSuccess: (balances) => {
      queryClient.setQueryData(balancesQuery.queryKey, balances);
      return queryClient.invalidateQueries({ queryKey: paymentsQuery.queryKey });
    },
    onError: (error) => {
      if (isClientError(error, "TOP_UP_UNAVAILABLE")) sessionStorage.setItem(UNAVAILABLE, "yes");
    },
  });
  const unavailable = sessionStorage.getItem(UNAVAILABLE) !== null;
  return (
    <>
      {topUp.isError ? <Failure error={topUp.error} /> : null}
      {unavailable ? null : (
        <div className="tw-card w-top-up">
          <p>{messages.home.topUpText}</p>
          <Button variant="default" loading={topUp.isPending} onClick={() => topUp.mutate()}>
            {messages.home.topUp}
          </Button>
        </div>
      )}
    </>
  );
}
