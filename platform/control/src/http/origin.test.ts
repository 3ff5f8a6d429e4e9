import { expect, test } from "vitest";
import type { FastifyRequest } from "@tideway/http";
import { checkOrigin } from "./origin.ts";

const check = (headers: Record<string, string>, own = "http://127.0.0.1:8081"): string => {
  try {
    // Only the headers are looked at.
    checkOrigin({ headers } as unknown as FastifyRequest, own);
    return "taken";
  } catch {
    return "refused";
  }
};

test.each([
  [{ host: "127.0.0.1:8081" }, "taken"],
  [{ host: "localhost:8081", origin: "http://localhost:8081" }, "taken"],
  [{ host: "evil.example:8081" }, "refused"],
  [{ host: "127.0.0.1:8081", origin: "http://evil.example" }, "refused"],
  [{ host: "127.0.0.1:8081", origin: "http://127.0.0.1:8080" }, "refused"],
  [{ host: "127.0.0.1:8081", origin: "null" }, "refused"],
  [{ host: "127.0.0.1:8081", origin: "http://127.0.0.1" }, "refused"],
  [{ host: "127.0.0.1:8081", origin: "https://127.0.0.1:8081" }, "refused"],
  [{ host: "" }, "refused"],
])("%j is %s", (headers, answer) => {
  expect(check(headers)).toBe(answer);
});

test("a console behind its own name is reached by that name only", () => {
  const own = "https://console.tideway.example";
  expect(check({ host: "console.tideway.example" }, own)).toBe("taken");
  expect(check({ host: "127.0.0.1" }, own)).toBe("refused");
  expect(check({ host: "console.tideway.example", origin: own }, own)).toBe("taken");
});

test("a page on the host's usual port is not the console", () => {
  const own = "https://tideway.example:8081";
  const host = "tideway.example:8081";
  expect(check({ host, origin: "https://tideway.example" }, own)).toBe("refused");
  expect(check({ host, origin: own }, own)).toBe("taken");
});
