import { beforeEach, describe, expect, test } from "vitest";
import { dropKey, hasKey, keyFor } from "./keys.ts";
import {
  dropReviewed,
  keepReviewed,
  markAsked,
  markNotCarriedOut,
  readReviewed,
} from "./reviewed.ts";
import type { ReviewStorage } from "./reviewed.ts";

let storage: ReviewStorage;
let made: number;
const newKey = () => `key-${++made}`;

beforeEach(() => {
  const values = new Map<string, string>();
  made = 0;
  storage = {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
});

const draft = (amount = "480") => ({
  person: "per_a",
  recipient: { person: "per_b", name: "Bo", email: "bo@example.test" },
  money: { amount, asset: "EUR", scale: 2 },
  note: "",
});

describe("a reviewed payment", () => {
  test("has one key, also after a reload and a second look", () => {
    const first = keepReviewed(storage, draft(), newKey);
    expect(keepReviewed(storage, draft(), newKey).key).toBe(first.key);
    expect(readReviewed(storage, "per_a")).toEqual(first);
  });

  test("that is changed gets another key", () => {
    keepReviewed(storage, draft("480"), newKey);
    expect(keepReviewed(storage, draft("500"), newKey).key).toBe("key-2");
  });

  test("that was asked for is not replaced by another one", () => {
    const asked = markAsked(storage, keepReviewed(storage, draft("480"), newKey));
    expect(keepReviewed(storage, draft("500"), newKey)).toEqual(asked);
    expect(readReviewed(storage, "per_a")?.phase).toBe("asked");
  });

  test("that was certainly not carried out may be changed again", () => {
    markNotCarriedOut(storage, markAsked(storage, keepReviewed(storage, draft("480"), newKey)));
    expect(keepReviewed(storage, draft("480"), newKey).key).toBe("key-1");
    expect(keepReviewed(storage, draft("500"), newKey).key).toBe("key-2");
  });

  test("that is settled leaves nothing behind", () => {
    keepReviewed(storage, draft(), newKey);
    dropReviewed(storage);
    expect(readReviewed(storage, "per_a")).toBeNull();
    expect(keepReviewed(storage, draft(), newKey).key).toBe("key-2");
  });

  test("belongs to the person who reviewed it", () => {
    keepReviewed(storage, draft(), newKey);
    expect(readReviewed(storage, "per_z")).toBeNull();
  });

  test.each(["", "null", "{", '{"key":"k"}', '{"key":1}'])("spoiled as %s is none", (text) => {
    storage.setItem("tideway-reviewed-send", text);
    expect(readReviewed(storage, "per_a")).toBeNull();
  });
});

describe("a key without a review", () => {
  test("is the same for the same content until it is settled", () => {
    expect(keyFor(storage, "request", "480 EUR", newKey)).toBe("key-1");
    expect(keyFor(storage, "request", "480 EUR", newKey)).toBe("key-1");
    expect(hasKey(storage, "request")).toBe(true);
    dropKey(storage, "request");
    expect(hasKey(storage, "request")).toBe(false);
    expect(keyFor(storage, "request", "480 EUR", newKey)).toBe("key-2");
  });

  test("is another one for other content or another slot", () => {
    expect(keyFor(storage, "request", "480 EUR\nlunch", newKey)).toBe("key-1");
    expect(keyFor(storage, "request", "500 EUR", newKey)).toBe("key-2");
    expect(keyFor(storage, "pay-inv_1", "", newKey)).toBe("key-3");
    expect(keyFor(storage, "pay-inv_1", "", newKey)).toBe("key-3");
  });
});
