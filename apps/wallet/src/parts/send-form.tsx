import { Button, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useGoTo } from "../navigation.tsx";
import { isClientError } from "@tideway/client";
import { minorToDecimal } from "@tideway/kernel";
import { useLocale } from "@tideway/ui";
import { useState } from "react";
import type { FormEvent } from "react";
import { personQuery } from "../api/queries.ts";
import type { BalanceReply } from "../api/queries.ts";
import { messages } from "../messages.ts";
import { keepDraft, keptDraft } from "../payment/draft.ts";
import type { SendDraft } from "../payment/draft.ts";
import { keepReviewed } from "../payment/reviewed.ts";
import type { Reviewed } from "../payment/reviewed.ts";
import { useSession } from "../session/browser-session.ts";
import { AmountField, amountProblem, useTypedAmount } from "./amount-field.tsx";
import { Failure } from "./failure.tsx";
import { Live } from "./live.tsx";
import "./input-styles.ts";

export interface SendFormProps {
  readonly balances: readonly BalanceReply[];
  /** Begun and not sent, when the page was reloaded or left. */
  readonly reviewed: Reviewed | null;
}

const NOTE_LENGTH_MAX = 140;

/** The send form; it goes on to the review only with a person found and an amount that is there. */
export function SendForm({ balances, reviewed }: SendFormProps) {
  const [draft, setDraft] = useState(() => firstDraft(balances, reviewed));
  const [lookedUp, setLookedUp] = useState(draft.email);
  const [shown, setShown] = useState({ amount: false, email: false });
  const locale = useLocale();
  const choice = balances.find((balance) => balance.asset === draft.asset) ?? balances[0];
  const typed = useTypedAmount(draft.amount, choice);
  const problem = choice === undefined ? null : amountProblem(typed, choice, locale);
  const found = useRecipient(lookedUp);
  const review = useReview();
  const set = (change: Partial<SendDraft>): void => setDraft({ ...draft, ...change });

  const onSubmit = (event: FormEvent): void => {
    event.preventDefault();
    setShown({ amount: true, email: true });
    setLookedUp(draft.email);
    if (choice === undefined || problem !== null || !typed.ok || !isEmail(draft.email)) return;
    review.mutate({
      draft,
      money: { amount: typed.minor.toString(), asset: choice.asset, scale: choice.scale },
    });
  };
  return (
    <form className="w-form" onSubmit={onSubmit} noValidate>
      <RecipientField
        email={draft.email}
        problem={draft.email === lookedUp ? emailProblem(draft.email, shown.email, found) : null}
        found={draft.email === lookedUp ? foundText(found) : ""}
        onEmail={(email) => set({ email })}
        onBlur={() => {
          setLookedUp(draft.email);
          setShown({ ...shown, email: shown.email || draft.email !== "" });
        }}
      />
      <AmountField
        choices={balances}
        asset={choice?.asset ?? ""}
        text={draft.amount}
        onText={(amount) => set({ amount })}
        onAsset={(asset) => set({ asset })}
        onBlur={() => setShown({ ...shown, amount: shown.amount || draft.amount !== "" })}
        problem={shown.amount ? problem : null}
      />
      <TextInput
        size="md"
        label={messages.send.note}
        description={messages.send.noteHint}
        maxLength={NOTE_LENGTH_MAX}
        value={draft.note}
        onChange={(event) => set({ note: event.currentTarget.value })}
      />
      {review.isError && !isRecipientProblem(review.error) ? (
        <Failure error={review.error} />
      ) : null}
      <Button type="submit" loading={review.isPending}>
        {messages.send.next}
      </Button>
    </form>
  );
}

interface RecipientFieldProps {
  readonly email: string;
  readonly problem: string | null;
  /** Whose address it is, in words. */
  readonly found: string;
  readonly onEmail: (email: string) => void;
  readonly onBlur: () => void;
}

function RecipientField({ email, problem, found, onEmail, onBlur }: RecipientFieldProps) {
  return (
    <>
      <TextInput
        size="md"
        label={messages.send.to}
        description={messages.send.toHint}
        type="email"
        inputMode="email"
        autoComplete="off"
        autoCapitalize="off"
        enterKeyHint="next"
        maxLength={254}
        value={email}
        error={problem}
        onChange={(event) => onEmail(event.currentTarget.value)}
        onBlur={onBlur}
      />
      <Live className="w-found">{found}</Live>
    </>
  );
}

function firstDraft(balances: readonly BalanceReply[], reviewed: Reviewed | null): SendDraft {
  const kept = keptDraft();
  if (kept !== null) return kept;
  if (reviewed !== null) {
    return {
      email: reviewed.recipient.email,
      amount: minorToDecimal(BigInt(reviewed.money.amount), reviewed.money.scale),
      asset: reviewed.money.asset,
      note: reviewed.note,
    };
  }
  const first = balances.find((balance) => balance.available !== "0") ?? balances[0];
  return { email: "", amount: "", asset: first?.asset ?? "", note: "" };
}

type Recipient = ReturnType<typeof useRecipient>;

/** Whose address it is, asked when the field is left. */
function useRecipient(email: string) {
  const me = useSession().person?.person;
  const query = useQuery({ ...personQuery(email.trim()), enabled: isEmail(email), retry: false });
  return { ...query, isMe: query.data !== undefined && query.data.person === me };
}

function useReview() {
  const queryClient = useQueryClient();
  const goTo = useGoTo();
  const person = useSession().person?.person ?? "";
  return useMutation({
    mutationFn: async ({ draft, money }: { draft: SendDraft; money: Reviewed["money"] }) => {
      const email = draft.email.trim();
      const recipient = await queryClient.fetchQuery(personQuery(email));
      if (recipient.person === person) return;
      keepDraft(draft);
      const note = draft.note.trim();
      keepReviewed(sessionStorage, { person, recipient: { ...recipient, email }, money, note });
      await goTo({ to: "/send/review" });
    },
  });
}

function emailProblem(email: string, shown: boolean, found: Recipient): string | null {
  if (!shown) return null;
  if (!isEmail(email)) return messages.send.emailWrong;
  if (found.isMe) return messages.send.yourself;
  if (isClientError(found.error) && isRecipientProblem(found.error)) {
    return `${found.error.title} ${found.error.action}`;
  }
  return null;
}

function foundText(found: Recipient): string {
  if (found.isFetching) return messages.send.looking;
  return found.data === undefined || found.isMe ? "" : messages.send.found(found.data.name);
}

function isRecipientProblem(error: unknown): boolean {
  return isClientError(error, "PERSON_NOT_FOUND", "EMAIL_INVALID", "BODY_INVALID");
}

/** Only the shape that makes a look-up worthwhile; identity decides. */
function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(text.trim());
}
