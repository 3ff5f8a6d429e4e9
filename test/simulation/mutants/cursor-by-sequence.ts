/** The relay claims by position: what commits late below it is never seen. */
import { eventMutant } from "./mutant.ts";

export const cursorBySequence = eventMutant("cursor by sequence", {
  claimOutbox: (rows, limit, memory) => {
    const position = memory.get("position") ?? 0;
    const claimed = rows
      .filter(({ number }) => number > position)
      .sort((a, b) => a.number - b.number)
      .slice(0, limit);
    memory.set("position", claimed.at(-1)?.number ?? position);
    return claimed;
  },
});
