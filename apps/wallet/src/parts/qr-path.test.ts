import { create } from "qrcode";
import { expect, test } from "vitest";
import { qrPath } from "./qr-path.ts";

test("runs of dark modules become one rectangle each", () => {
  const rows = ["#.##", "....", "####", "...#"];
  const path = qrPath(4, (row, column) => rows[row]?.[column] === "#");
  expect(path).toBe("M0 0h1v1h-1zM2 0h2v1h-2zM0 2h4v1h-4zM3 3h1v1h-1z");
});

test("every dark module of a real code is drawn once, and no light one", () => {
  const { modules } = create("https://pay.example/pay/inv_01jd3x7k9w4q5t8v2y6z0a1b3c", {});
  const path = qrPath(modules.size, (row, column) => modules.get(row, column) === 1);
  const drawn = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].flatMap(([, x, y, width]) =>
    Array.from({ length: Number(width) }, (_, step) => `${Number(y)}:${Number(x) + step}`),
  );
  const dark = [...modules.data].flatMap((module, at) =>
    module === 1 ? [`${Math.floor(at / modules.size)}:${at % modules.size}`] : [],
  );
  expect(drawn).toEqual(dark);
});
