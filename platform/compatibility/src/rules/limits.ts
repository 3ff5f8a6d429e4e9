/**
 * The limits of JSON Schema: what grows a lower limit shuts values out, what grows an upper one
 * lets values in. Every limit has the same four rules.
 */
export const LOWER_LIMITS = ["minimum", "min-length", "min-items", "min-properties"] as const;
export const UPPER_LIMITS = ["maximum", "max-length", "max-items", "max-properties"] as const;

export type Limit = (typeof LOWER_LIMITS)[number] | (typeof UPPER_LIMITS)[number];
export type LimitChange = "added" | "removed" | "raised" | "lowered";
export type LimitRule = `${Limit}-${LimitChange}`;

const CHANGES: readonly LimitChange[] = ["added", "removed", "raised", "lowered"];

/** Whether a change of a limit shuts out values that were good before. */
export function shutsOut(limit: Limit, change: LimitChange): boolean {
  if (change === "added") return true;
  if (change === "removed") return false;
  return isLower(limit) === (change === "raised");
}

function isLower(limit: Limit): boolean {
  return LOWER_LIMITS.some((lower) => lower === limit);
}

/** Every limit with every change, for the table of rules. */
export function limitRules(): readonly (readonly [LimitRule, Limit, LimitChange])[] {
  const limits: readonly Limit[] = [...LOWER_LIMITS, ...UPPER_LIMITS];
  return limits.flatMap((limit) =>
    CHANGES.map((change) => [`${limit}-${change}`, limit, change] as const),
  );
}
