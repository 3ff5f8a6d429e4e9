/** Numbers and phrases of the judge's sentences, as the console and the command line show them. */

/** Made once: making a formatter costs more than everything else in a verdict together. */
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A count with its thousands set off: 1,204. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** "1 person", "1,204 people". */
export function people(value: number): string {
  return value === 1 ? "1 person" : `${count(value)} people`;
}

/** A share between 0 and 1 as percent with one decimal: 0.9996 is "100.0 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A number as short as it can be without losing meaning: a weight of 5, of 0.5, a limit of 3. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Evidence: one decimal below ten, none above; past a million the exact figure says nothing. */
export function amount(evidence: number): string {
  if (evidence > 1_000_000) return "over 1,000,000";
  return evidence < 10 ? evidence.toFixed(1) : count(Math.floor(evidence));
}

/** Whole seconds, rounded up, so that nothing is announced too early. */
export function seconds(ms: number): string {
  return `${count(Math.ceil(ms / 1000))} s`;
}
