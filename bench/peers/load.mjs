/** The load of both peers: work at a rate, or as fast as a bounded amount of unfinished work allows. */

/**
 * Runs `commit(number)` for `seconds`: open loop at `commitsPerSecond`, or where that is null with
 * `waiting()` events unfinished at most `waitingMax`. At most 16 commits are under way at once.
 * @param {{ seconds: number, commitsPerSecond: number | null, waitingMax: number,
 *   waiting: () => number, commit: (number: number) => Promise<void> }} options
 * @returns {Promise<{ commits: number, seconds: number }>}
 */
export async function produce({ seconds, commitsPerSecond, waitingMax, waiting, commit }) {
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + seconds * 1_000;
  const underWay = new Set();
  let commits = 0;
  while (performance.now() < endsAtMs) {
    const due =
      commitsPerSecond === null
        ? Number.POSITIVE_INFINITY
        : Math.floor(((performance.now() - startedAtMs) / 1_000) * commitsPerSecond);
    const isHeld = commitsPerSecond === null && waiting() >= waitingMax;
    if (commits >= due || isHeld) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    if (underWay.size >= UNDER_WAY_MAX) {
      await Promise.race(underWay);
      continue;
    }
    const one = commit(commits++).finally(() => underWay.delete(one));
    underWay.add(one);
  }
  await Promise.all(underWay);
  return { commits, seconds: (performance.now() - startedAtMs) / 1_000 };
}

const UNDER_WAY_MAX = 16;

/** @param {readonly number[]} values @param {number} share @returns {number} */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
