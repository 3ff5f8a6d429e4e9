/** Acts of operators, each written to the audit log: done or refused. */
import { isCoded } from "@tideway/kernel";
import type { Clock } from "@tideway/kernel";
import type { Pool } from "@tideway/store";
import type { Operator } from "../operators.ts";
import { writeAudit } from "../store/audit.ts";

export interface AuditParts {
  readonly pool: Pool;
  readonly clock: Clock;
}

export interface Act<T> {
  readonly operator: Operator;
  /** "rollout.abort"; one that was refused is written as "rollout.abort.refused". */
  readonly action: string;
  readonly subject: string;
  readonly detail?: string;
  readonly run: () => Promise<T>;
  /** What only the result tells; null when nothing was done that is worth an entry. */
  readonly tell?: (result: T) => { readonly subject?: string; readonly detail?: string } | null;
}

/** Carries an act out and writes it down before the answer; rethrows what refused it. */
export async function audited<T>(parts: AuditParts, act: Act<T>): Promise<T> {
  let result: T;
  try {
    result = await act.run();
  } catch (error) {
    const code = isCoded(error) ? error.code : "INTERNAL";
    const detail = [code, act.detail ?? ""].join(" ").trim();
    await write(parts, act, {
      action: `${act.action}.refused`,
      subject: act.subject,
      detail,
    }).catch(() => {
      // The refusal itself is the better answer, and most likely of the same cause.
    });
    throw error;
  }
  const told = act.tell === undefined ? {} : act.tell(result);
  if (told === null) return result;
  const { subject = act.subject, detail = act.detail ?? "" } = told;
  await write(parts, act, { action: act.action, subject, detail });
  return result;
}

function write(
  parts: AuditParts,
  { operator }: Pick<Act<unknown>, "operator">,
  entry: { readonly action: string; readonly subject: string; readonly detail: string },
): Promise<void> {
  return writeAudit(parts.pool, { operator: operator.name, ...entry }, parts.clock.now());
}
