/** What a command's exit code says, so that scripts need not read words. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notHealthy: 3,
  rolledBack: 4,
  inconclusive: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
