import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useGoTo } from "../navigation.tsx";
import { Page, useLocale } from "@tideway/ui";
import { useState } from "react";
import type { FormEvent } from "react";
import { payments } from "../api/clients.ts";
import { assetsQuery, balancesQuery } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { AmountField, amountProblem, useTypedAmount } from "../parts/amount-field.tsx";
import type { AssetChoice } from "../parts/amount-field.tsx";
import { BackLink } from "../parts/back-link.tsx";
import { Failure } from "../parts/failure.tsx";
import { FormSkeleton } from "../parts/form-skeleton.tsx";
import { dropKey, keyFor } from "../payment/keys.ts";
import { submit } from "../payment/submit.ts";
import { useSession } from "../session/browser-session.ts";
import "../parts/input-styles.ts";

const NOTE_LENGTH_MAX = 140;
const words = messages.request;
const lifetimes = [
  { value: "3600", label: words.hour },
  { value: "86400", label: words.day },
  { value: "604800", label: words.week },
  { value: "2592000", label: words.month },
];

/** Ask for money: the result is a page with a code that the payer scans. */
export function RequestPage() {
  const { choices, error, retry } = useChoices();
  return (
    <div className="w-narrow">
      <Page
        title={words.title}
        back={<BackLink />}
        aside={<Link to="/requests">{words.yours}</Link>}
      >
        {choices === null && error === null ? <FormSkeleton /> : null}
        {choices === null && error !== null ? <Failure error={error} onRetry={retry} /> : null}
        {choices === null ? null : <RequestForm choices={choices} />}
      </Page>
    </div>
  );
}

/** All assets of the ledger, those the person has first; if it cannot answer, those alone. */
function useChoices() {
  const assets = useQuery(assetsQuery);
  const balances = useQuery(balancesQuery);
  const known = assets.data !== undefined && assets.data.length > 0 ? assets.data : undefined;
  const held = new Set(balances.data?.map(({ asset }) => asset));
  const isWaiting = assets.isPending || balances.isPending;
  const list = isWaiting ? undefined : (known ?? balances.data);
  const heldFirst = list?.toSorted((a, b) => Number(held.has(b.asset)) - Number(held.has(a.asset)));
  const choices = heldFirst?.map(({ asset, scale, name }): AssetChoice => {
    return { asset, scale, name, available: null };
  });
  return {
    choices: choices ?? null,
    error: assets.error ?? balances.error,
    retry: () => void Promise.all([assets.refetch(), balances.refetch()]),
  };
}

function RequestForm({ choices }: { readonly choices: readonly AssetChoice[] }) {
  const [fields, setFields] = useState({ amount: "", note: "", lifetime: "86400" });
  const [asset, setAsset] = useState(choices[0]?.asset ?? "");
  const [shown, setShown] = useState(false);
  const locale = useLocale();
  const make = useMakeInvoice();
  const choice = choices.find((known) => known.asset === asset);
  const typed = useTypedAmount(fields.amount, choice);
  const problem = choice === undefined ? null : amountProblem(typed, choice, locale);

  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    setShown(true);
    if (!typed.ok || make.isPending) return;
    const note = fields.note.trim();
    const body = {
      amount: typed.minor.toString(),
      asset,
      expiresInSeconds: Number(fields.lifetime),
    };
    make.mutate(note === "" ? body : { ...body, note });
  };
  return (
    <form className="w-form" onSubmit={onSubmit} noValidate>
      <AmountField
        choices={choices}
        asset={asset}
        text={fields.amount}
        onText={(amount) => setFields({ ...fields, amount })}
        onAsset={setAsset}
        onBlur={() => setShown(shown || fields.amount !== "")}
        problem={shown ? problem : null}
      />
      <TextInput
        size="md"
        label={words.note}
        description={words.noteHint}
        maxLength={NOTE_LENGTH_MAX}
        value={fields.note}
        onChange={(event) => setFields({ ...fields, note: event.currentTarget.value })}
      />
      <NativeSelect
        size="md"
        label={words.validFor}
        data={lifetimes}
        value={fields.lifetime}
        onChange={(event) => setFields({ ...fields, lifetime: event.currentTarget.value })}
      />
      {make.isError ? <Failure error={make.error} /> : null}
      <Button type="submit" loading={make.isPending}>
        {words.make}
      </Button>
    </form>
  );
}

interface InvoiceBody {
  readonly amount: string;
  readonly asset: string;
  readonly note?: string;
  readonly expiresInSeconds: number;
}

function useMakeInvoice() {
  const queryClient = useQueryClient();
  const goTo = useGoTo();
  const slot = `request-${useSession().person?.person ?? ""}`;
  return useMutation({
    mutationFn: async (body: InvoiceBody) => {
      const idempotencyKey = keyFor(sessionStorage, slot, JSON.stringify(body));
      const outcome = await submit(() => payments.createInvoice({ body, idempotencyKey }), {
        unclearBefore: false,
      });
      if (outcome.kind !== "unknown") dropKey(sessionStorage, slot);
      if (outcome.kind !== "done") throw outcome.error;
      return outcome.reply;
    },
    onSuccess: async (invoice) => {
      queryClient.setQueryData(["invoice", invoice.invoice], invoice);
      void queryClient.invalidateQueries({ queryKey: ["invoices"] });
      await goTo({ to: "/pay/$invoiceId", params: { invoiceId: invoice.invoice } });
    },
  });
}
