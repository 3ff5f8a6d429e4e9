import { expect, test } from "vitest";
import { staleWords } from "./stale-words.ts";

test("control is only said to be away when it does not answer", () => {
  const lost = staleWords({ code: "UNREACHABLE", title: "Control did not answer." });
  expect(lost).toEqual(staleWords(null));
  expect(lost.title).toBe("Connection to control lost");
  const away = staleWords({ code: "BUS_AWAY", title: "The bus does not answer." });
  expect(away.title).not.toContain("control");
  expect(away.meanwhile).toBe("Control answers BUS_AWAY: The bus does not answer.");
});
