/** One figure is one JSON line on stdout; words go to stderr. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** Measured beside it in the same run; null when the peer is not installed. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  readonly conditions: string;
}

/** Prints a figure with its ratio to the peer. */
export function print(figure: Figure): void {
  const { value, peerValue } = figure;
  const ratio = peerValue === null || peerValue === 0 ? null : round(value / peerValue);
  const line = { ...figure, value: round(value), ratio };
  console.log(JSON.stringify({ ...line, peerValue: peerValue === null ? null : round(peerValue) }));
}

export function say(words: string): void {
  console.error(words);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
