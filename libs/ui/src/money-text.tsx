import { formatAmount } from "./money-format.ts";
import { useLocale } from "./locale.ts";

export interface MoneyTextProps {
  /** Minor units as a decimal string. */
  readonly amount: string;
  readonly scale: number;
  readonly asset: string;
  /** `hero` is the 40 px balance; it steps down when the digits would not fit 360 px. */
  readonly size?: "text" | "large" | "hero";
  /** Says which way the money goes, before the digits. */
  readonly direction?: "in" | "out";
  /** False where the asset is named beside it. */
  readonly showAsset?: boolean;
}

/** Money, exact, in tabular digits, never without its asset's name for screen readers. */
export function MoneyText({
  amount,
  scale,
  asset,
  size = "text",
  direction,
  showAsset = true,
}: MoneyTextProps) {
  const digits = formatAmount({ amount, scale }, useLocale());
  const sign = direction === undefined ? "" : { in: "+", out: "\u2212" }[direction];
  return (
    <span className="tw-money" data-size={size} data-fit={fitOf(digits)}>
      {sign}
      {digits}
      <span className={showAsset ? "tw-money-asset" : "tw-hidden"}>{`\u00a0${asset}`}</span>
    </span>
  );
}

/** How many steps of the type scale a long number gives up to stay on one line. */
function fitOf(digits: string): "full" | "long" | "longest" {
  if (digits.length <= 13) return "full";
  return digits.length <= 20 ? "long" : "longest";
}
