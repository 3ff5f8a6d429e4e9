import { describe, expect, test } from "vitest";
import { renderTokensCss } from "./render-tokens-css.ts";
import { colorNames, contrastOf, dark, light } from "./tokens.ts";

// The apps are checked without Node's types, so the one module this test needs is named and typed here.
const nodeFiles: string = "node:fs/promises";
interface NodeFiles {
  readFile(path: URL, encoding: "utf8"): Promise<string>;
}

describe("tokens", () => {
  test("tokens.css is what tokens.ts renders", async () => {
    const files: NodeFiles = await import(nodeFiles);
    const written = await files.readFile(new URL("./tokens.css", import.meta.url), "utf8");
    expect(written).toBe(renderTokensCss());
  });

  test.each([
    ["light", light, 5.5],
    ["dark", dark, 7.2],
  ] as const)(
    "%s: text and colours reach their contrast on cards and page",
    (_, palette, least) => {
      for (const ground of [palette.surface, palette.mist]) {
        expect(contrastOf(palette.text, ground)).toBeGreaterThanOrEqual(least);
        expect(contrastOf(palette.muted, ground)).toBeGreaterThanOrEqual(least);
        for (const name of colorNames) {
          expect.soft(contrastOf(palette[name], ground), name).toBeGreaterThanOrEqual(least - 0.1);
        }
      }
    },
  );

  test.each([light, dark])("text upon a filled colour reaches 4.5", (palette) => {
    for (const name of colorNames) {
      expect(contrastOf(palette.onFill, palette[name])).toBeGreaterThanOrEqual(4.5);
    }
  });
});
