/**
 * The chart of accounts. The first digit says what an account is: 1 what the house has, 2 what it
 * owes, 3 its capital, 4 income, 5 expenses, 6 currency positions, 9 what waits to be sorted out.
 *
 * The normal side is the one that makes the balance grow. A limited account may not fall below
 * zero on that side, with what is held counted as gone; the others may, for the reason beside them.
 */
export type Side = "debit" | "credit";

export interface ChartEntry {
  readonly code: number;
  readonly name: string;
  readonly normalSide: Side;
  /** True when the balance may not fall below zero. */
  readonly limited: boolean;
  /** "house": one an asset, opened by the ledger itself. "owner": opened for somebody. */
  readonly holder: "house" | "owner";
  /** Debiting it needs the owner's own token. */
  readonly debitNeedsConsent: boolean;
  readonly why: string;
}

const house = { holder: "house", debitNeedsConsent: false } as const;
const owned = { holder: "owner", debitNeedsConsent: false } as const;
const asset = { ...house, normalSide: "debit", limited: true } as const;
const income = { ...house, normalSide: "credit", limited: false } as const;
const expense = { ...house, normalSide: "debit", limited: false } as const;
const owed = { ...owned, normalSide: "credit", limited: true } as const;

export const CHART: readonly ChartEntry[] = [
  { ...asset, code: 110, name: "bank", why: "We cannot pay out more than the bank has of ours." },
  { ...asset, code: 120, name: "deposit addresses", why: "A chain refuses what is not there." },
  { ...asset, code: 121, name: "hot wallet", why: "A chain refuses what is not there." },
  { ...asset, code: 122, name: "cold wallet", why: "A chain refuses what is not there." },
  { ...asset, code: 123, name: "in flight", why: "Only what left may arrive." },
  {
    ...asset,
    code: 130,
    name: "processor",
    limited: false,
    why: "Chargebacks may exceed what the processor still owes us.",
  },
  {
    ...owed,
    code: 210,
    name: "customer",
    debitNeedsConsent: true,
    why: "A customer spends what is there, and nobody else does.",
  },
  { ...owed, code: 220, name: "merchant", why: "A merchant is paid out what was earned." },
  { ...owed, code: 230, name: "escrow", why: "Escrow gives back what it took." },
  {
    ...income,
    code: 310,
    name: "capital",
    why: "Demo money is given from it; below zero it tells how much was given.",
  },
  { ...income, code: 410, name: "fees", why: "A refund may come before the next fee." },
  { ...income, code: 420, name: "FX spread", why: "A bad day's spread is a loss." },
  { ...expense, code: 510, name: "network fees", why: "A returned fee may be booked later." },
  { ...expense, code: 520, name: "losses", why: "A recovery may exceed this period's losses." },
  { ...income, code: 610, name: "FX position", why: "A position is long or short." },
  {
    ...income,
    code: 910,
    name: "unmatched",
    limited: true,
    why: "Only money that came in unmatched can be matched.",
  },
  {
    ...owned,
    code: 920,
    name: "customer debt",
    normalSide: "debit",
    limited: true,
    why: "Nobody pays back more than is owed.",
  },
];

const byCode = new Map(CHART.map((entry) => [entry.code, entry]));

/** The chart's entry of a code, or undefined for a code that is not in the chart. */
export function chartEntry(code: number): ChartEntry | undefined {
  return byCode.get(code);
}

/** The codes of which the house has one account an asset. */
export const HOUSE_ENTRIES = CHART.filter((entry) => entry.holder === "house");
