/** What was last typed into the send form, so that "Change" and a refusal lose nothing. In memory only. */
export interface SendDraft {
  readonly email: string;
  readonly amount: string;
  readonly asset: string;
  readonly note: string;
}

let kept: SendDraft | null = null;

export function keptDraft(): SendDraft | null {
  return kept;
}

export function keepDraft(draft: SendDraft): void {
  kept = draft;
}

export function dropDraft(): void {
  kept = null;
}
