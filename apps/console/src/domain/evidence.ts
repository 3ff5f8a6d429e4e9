/**
 * How far the judge's evidence has come. E-values multiply with each observation, so the bar is
 * logarithmic: from 1 (nothing said either way) to the limit at which the judge decides.
 */

/** Filled part of the bar, 0 to 1. */
export function evidenceFill(value: number, limit: number): number {
  if (!(value > 1) || !(limit > 1)) return 0;
  return Math.min(1, Math.log(value) / Math.log(limit));
}

const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Two digits below ten, whole numbers above; an overwhelming value says no more than its size. */
export function evidenceNumber(value: number): string {
  if (value >= 1_000_000) return ">1,000,000";
  if (value > 0 && value < 0.01) return "<0.01";
  return value >= 10 ? whole.format(value) : fine.format(value);
}
