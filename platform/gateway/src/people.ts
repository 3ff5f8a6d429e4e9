/** How many different people a service met of late: a set that forgets by the second. */
import { PEOPLE_RECENT_MAX, PEOPLE_WINDOW_SECONDS } from "./limits.ts";

export class RecentPeople {
  /** Oldest first, as a Map keeps the order of insertion; the value is the second last seen. */
  readonly #lastSeen = new Map<string, number>();

  see(person: string, nowSeconds: number): void {
    const before = this.#lastSeen.get(person);
    if (before === nowSeconds) return;
    if (before === undefined) {
      if (this.#lastSeen.size >= PEOPLE_RECENT_MAX) this.#forget(nowSeconds);
      if (this.#lastSeen.size >= PEOPLE_RECENT_MAX) return;
    } else {
      this.#lastSeen.delete(person);
    }
    this.#lastSeen.set(person, nowSeconds);
  }

  /** Distinct people of the last 10 s. */
  count(nowSeconds: number): number {
    this.#forget(nowSeconds);
    return this.#lastSeen.size;
  }

  #forget(nowSeconds: number): void {
    for (const [person, seconds] of this.#lastSeen) {
      if (seconds > nowSeconds - PEOPLE_WINDOW_SECONDS) break;
      this.#lastSeen.delete(person);
    }
  }
}
