/** The demo money of a day: 1,000.00 EUR and 250.00 USDC. */
export const TOP_UP_MONEY = [
  { asset: "EUR", amountMinor: 100_000n },
  { asset: "USDC", amountMinor: 250_000_000n },
] as const;
