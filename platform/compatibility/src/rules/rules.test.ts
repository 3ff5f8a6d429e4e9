import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Level } from "../diff/finding.ts";
import { limitRules } from "./limits.ts";
import { allRules, levelOf, ruleOf } from "./rules.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/explain/compatibility.md", import.meta.url));
const LETTERS: Readonly<Record<Level, string>> = { breaking: "B", warning: "W", info: "i" };

test("what is tighter breaks callers, what is looser breaks readers", () => {
  expect(levelOf("type-narrowed", "request")).toBe("breaking");
  expect(levelOf("type-narrowed", "reply")).toBe("info");
  expect(levelOf("max-length-raised", "request")).toBe("info");
  expect(levelOf("max-length-raised", "event")).toBe("breaking");
  expect(levelOf("min-items-raised", "request")).toBe("breaking");
});

test("events are read like replies", () => {
  for (const id of ["property-removed", "format-removed", "null-added"] as const) {
    expect(levelOf(id, "event")).toBe(levelOf(id, "reply"));
  }
});

test("an event that promises more is a warning: older ones are kept, and promise less", () => {
  for (const id of [
    "required-property-added",
    "property-became-required",
    "null-removed",
  ] as const) {
    expect(levelOf(id, "reply")).toBe("info");
    expect(levelOf(id, "event")).toBe("warning");
  }
});

test("every rule names what it is about", () => {
  for (const [id, rule] of allRules()) {
    const names = /\{[Ww]hat\}/.test(rule.sentence) || id === "server-removed";
    expect(names, id).toBe(true);
  }
  expect(ruleOf("minimum-raised").change).toBe("tighter");
});

test("the page of rules tells of each one, with its levels", () => {
  const page = readFileSync(PAGE, "utf8");
  const limits = new Set<string>(limitRules().map(([id]) => id));
  const rows = page.matchAll(/^\| `([a-z-]+)` \| ([BWi]) \| ([BWi]) \|/gm);
  const told = [...rows].map(([, id, request, reply]) => `${id} ${request} ${reply}`);
  const rules = [...allRules()].filter(([id]) => !limits.has(id));
  const levels = rules.map(([id, rule]) => {
    const request = LETTERS[rule.request ?? byVariance(rule.change, "tighter")];
    const reply = LETTERS[rule.reply ?? byVariance(rule.change, "looser")];
    return `${id} ${request} ${reply}`;
  });
  expect(told.sort()).toEqual(levels.sort());
});

/** Spelt out once more, so that the page and `levelOf` are held against the principle itself. */
function byVariance(change: string, breaks: "tighter" | "looser"): Level {
  return change === "changed" || change === breaks ? "breaking" : "info";
}
