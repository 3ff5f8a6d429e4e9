import { NativeSelect, TextInput } from "@mantine/core";
import { decimalSeparatorOf, formatMoney, useLocale } from "@tideway/ui";
import { messages } from "../messages.ts";
import { readTypedAmount } from "../money/typed-amount.ts";
import type { AmountProblem, TypedAmount } from "../money/typed-amount.ts";
import "./input-styles.ts";

export interface AssetChoice {
  readonly asset: string;
  readonly scale: number;
  readonly name: string;
  /** What can be spent, in minor units; null when asking for money, which has no such limit. */
  readonly available: string | null;
}

export interface AmountFieldProps {
  readonly choices: readonly AssetChoice[];
  readonly asset: string;
  readonly text: string;
  readonly onAsset: (asset: string) => void;
  readonly onText: (text: string) => void;
  /** Problems are told once the person is done typing, or tried to go on. */
  readonly problem: string | null;
  readonly onBlur: () => void;
}

/** An amount for thumbs: the number pad, large digits, the asset beside it. */
export function AmountField(props: AmountFieldProps) {
  const locale = useLocale();
  const choice = props.choices.find((known) => known.asset === props.asset);
  const available = choice?.available ?? null;
  const hint =
    choice === undefined || available === null
      ? undefined
      : messages.amount.available(formatMoney({ ...choice, amount: available }, locale));
  return (
    <div className="w-amount">
      <TextInput
        size="md"
        label={messages.amount.label}
        description={hint}
        inputMode="decimal"
        autoComplete="off"
        enterKeyHint="next"

        value={props.text}
        error={props.problem}
        placeholder={`0${decimalSeparatorOf(locale)}00`}
        onChange={(event) => props.onText(event.currentTarget.value)}
        onBlur={props.onBlur}
        inputWrapperOrder={["label", "input", "description", "error"]}
      />
      <NativeSelect
        size="md"
        label={messages.amount.asset}

        value={props.asset}
        data={props.choices.map((known) => ({ value: known.asset, label: known.asset }))}
        onChange={(event) => props.onAsset(event.currentTarget.value)}
      />
    </div>
  );
}

/** The typed amount in the asset's minor units, with the locale's decimal mark. */
export function useTypedAmount(text: string, choice: AssetChoice | undefined): TypedAmount {
  const decimalMark = decimalSeparatorOf(useLocale());
  if (choice === undefined) return { ok: false, problem: "empty" };
  return readTypedAmount(text, { scale: choice.scale, decimalMark });
}

/** Why the amount cannot be taken, in words, or null when it can. */
export function amountProblem(
  typed: TypedAmount,
  choice: AssetChoice,
  locale: string,
): string | null {
  if (!typed.ok) return problemText(typed.problem, choice);
  if (choice.available === null || typed.minor <= BigInt(choice.available)) return null;
  return messages.amount.tooMuch(formatMoney({ ...choice, amount: choice.available }, locale));
}

function problemText(problem: AmountProblem, choice: AssetChoice): string {
  if (problem === "decimals") return messages.amount.decimals(choice.asset, choice.scale);
  return messages.amount.problems[problem];
}
