import { expect, test } from "vitest";
import { readAssets } from "./assets.ts";

test("assets of the expected shape are read, others left out", () => {
  const euro = { asset: "EUR", scale: 2, name: "Euro", more: true };
  const reply = {
    assets: [euro, { asset: "X", scale: "2", name: "" }, { ...euro, scale: -1 }, null],
  };
  expect(readAssets(reply)).toEqual([{ asset: "EUR", scale: 2, name: "Euro" }]);
});

test.each([null, "", [], {}, { assets: 1 }])("no list at all (%j) is an empty one", (reply) => {
  expect(readAssets(reply)).toEqual([]);
});
