import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createPasswordHasher } from "./password-hash.ts";
import { open, seal } from "@tideway/trust";
import { KeyedWorkQueue, WorkQueue } from "./work-queue.ts";

const hasherAt = (logCost: number) =>
  createPasswordHasher(logCost, new WorkQueue({ atOnceMax: 2, waitingMax: 10 }));

describe("password hashes", () => {
  test("the right password matches, any other does not, and salts differ", async () => {
    const hasher = hasherAt(10);
    const hash = await hasher.hash("correct horse");
    expect(hash).toMatch(/^\$scrypt\$ln=10,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await hasher.hash("correct horse")).not.toBe(hash);
    expect(await hasher.check("correct horse", hash)).toEqual({ matches: true, outdated: false });
    expect((await hasher.check("correct horsf", hash)).matches).toBe(false);
  });

  test("one spelling of a password is as good as another of the same characters", async () => {
    const hash = await hasherAt(10).hash("caf\u00e9 au lait");
    expect((await hasherAt(10).check("cafe\u0301 au lait", hash)).matches).toBe(true);
  });

  test("a hash of another cost still matches and is told to be outdated", async () => {
    const hash = await hasherAt(10).hash("correct horse");
    expect(await hasherAt(11).check("correct horse", hash)).toEqual({
      matches: true,
      outdated: true,
    });
  });

  test("nobody's password never matches; a damaged hash is an error, not a no", async () => {
    expect((await hasherAt(10).check("", null)).matches).toBe(false);
    await expect(hasherAt(10).check("x", "$scrypt$ln=31,r=8,p=1$AA$AA")).rejects.toThrow("stored");
  });

  test("for nobody it takes as long as for somebody", async () => {
    const hasher = hasherAt(14);
    const hash = await hasher.hash("correct horse");
    const timeOf = async (against: string | null): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 5; i++) {
        const from = performance.now();
        await hasher.check("wrong horse", against);
        times.push(performance.now() - from);
      }
      return Math.min(...times);
    };
    // Leaving the work out would make it thousands of times faster.
    expect(await timeOf(null)).toBeGreaterThan((await timeOf(hash)) / 4);
  });
});

describe("work queue", () => {
  test("runs so many at once, keeps so many waiting and refuses the rest", async () => {
    const queue = new WorkQueue({ atOnceMax: 2, waitingMax: 3 });
    const gate = Promise.withResolvers<void>();
    let most = 0;
    let running = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
    };
    const accepted = Array.from({ length: 5 }, () => queue.run(work));
    await expect(queue.run(work)).rejects.toMatchObject({ code: "OVERLOADED" });
    gate.resolve();
    await Promise.all(accepted);
    expect(most).toBe(2);
    expect(queue.idle).toBe(true);
  });

  test("whoever went away while waiting is passed over, and a failure frees its turn", async () => {
    const queue = new WorkQueue({ atOnceMax: 1, waitingMax: 3 });
    const gate = Promise.withResolvers<void>();
    const gone = new AbortController();
    const first = queue.run(() => gate.promise);
    let ran = false;
    const second = queue.run(async () => {
      ran = true;
    }, gone.signal);
    gone.abort(new Error("gone"));
    gate.reject(new Error("broken"));
    await expect(first).rejects.toThrow("broken");
    await expect(second).rejects.toThrow("gone");
    expect(ran).toBe(false);
    expect(await queue.run(async () => 7)).toBe(7);
  });

  test("keys do not wait for each other", async () => {
    const queues = new KeyedWorkQueue({ atOnceMax: 1, waitingMax: 1 });
    const gate = Promise.withResolvers<void>();
    const slow = queues.run("a", () => gate.promise);
    expect(await queues.run("b", async () => "b")).toBe("b");
    gate.resolve();
    await slow;
  });
});

test("a sealed value opens under its key and context only, and not after a change", () => {
  const key = randomBytes(32);
  const sealed = seal(key, Buffer.from("secret"), "row 1");
  expect(open(key, sealed, "row 1").toString()).toBe("secret");
  expect(() => open(key, sealed, "row 2")).toThrow("authenticate");
  expect(() => open(randomBytes(32), sealed, "row 1")).toThrow("authenticate");
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed);
    changed[i] = (changed[i] ?? 0) ^ 1;
    expect(() => open(key, changed, "row 1")).toThrow("authenticate");
  }
});
