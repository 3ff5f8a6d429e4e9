import { ClientError } from "@tideway/client";
import { describe, expect, test } from "vitest";
import { RETRIES_MAX, submit } from "./submit.ts";

interface Answer {
  readonly code: string;
  readonly status: number;
  readonly retryable?: boolean;
}

const error = ({ code, status, retryable = false }: Answer) =>
  new ClientError({ code, status, retryable, title: "", action: "", given: {}, traceId: null });
const lost = error({ code: "UNREACHABLE", status: 0, retryable: true });
const busy = error({ code: "INVOICE_BEING_PAID", status: 409, retryable: true });
const poor = error({ code: "FUNDS_INSUFFICIENT", status: 409 });
const broken = error({ code: "INTERNAL", status: 500 });
const ended = error({ code: "SESSION_ENDED", status: 401 });

/** Answers in turn, the last one for ever; counts what was asked. */
function service(...answers: (string | Error)[]) {
  const asked = { count: 0 };
  const send = (): Promise<string> => {
    const answer = answers[Math.min(asked.count++, answers.length - 1)] ?? lost;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { asked, send };
}

const now = () => Promise.resolve();
const fresh = { unclearBefore: false, wait: now };

describe("a money request", () => {
  test("that is answered is done after one try", async () => {
    const { asked, send } = service("paid");
    expect(await submit(send, fresh)).toEqual({ kind: "done", reply: "paid" });
    expect(asked.count).toBe(1);
  });

  test("that got no answer is asked again and may be done", async () => {
    const retries: number[] = [];
    const { asked, send } = service(lost, lost, "paid");
    const outcome = await submit(send, { ...fresh, onRetry: (retry) => retries.push(retry) });
    expect(outcome).toEqual({ kind: "done", reply: "paid" });
    expect([asked.count, retries]).toEqual([3, [1, 2]]);
  });

  test("is tried at most four times, then nobody knows", async () => {
    const { asked, send } = service(lost);
    expect(await submit(send, fresh)).toEqual({ kind: "unknown", error: lost });
    expect(asked.count).toBe(1 + RETRIES_MAX);
  });

  test("refused by the service is refused for good, even after a lost answer", async () => {
    const { asked, send } = service(lost, poor);
    expect(await submit(send, fresh)).toEqual({ kind: "refused", error: poor, final: true });
    expect(asked.count).toBe(2);
  });

  test("that may succeed later keeps its key", async () => {
    const { asked, send } = service(busy);
    expect(await submit(send, fresh)).toEqual({ kind: "refused", error: busy, final: false });
    expect(asked.count).toBe(1 + RETRIES_MAX);
  });

  test("is unknown when the service broke, which is not retried by itself", async () => {
    const { asked, send } = service(broken);
    expect(await submit(send, fresh)).toEqual({ kind: "unknown", error: broken });
    expect(asked.count).toBe(1);
  });

  test("stays unknown when the gate answers after a lost answer", async () => {
    const afterLoss = service(lost, ended);
    expect(await submit(afterLoss.send, fresh)).toEqual({ kind: "unknown", error: ended });
    const atOnce = service(ended);
    const outcome = await submit(atOnce.send, fresh);
    expect(outcome).toEqual({ kind: "refused", error: ended, final: false });
    const later = service(busy);
    expect(await submit(later.send, { ...fresh, unclearBefore: true })).toMatchObject({
      kind: "unknown",
    });
  });

  test("stops waiting when the page is left", async () => {
    const leaving = new AbortController();
    const { asked, send } = service(lost);
    const outcome = submit(send, {
      ...fresh,
      signal: leaving.signal,
      wait: () => Promise.resolve(leaving.abort()),
    });
    expect((await outcome).kind).toBe("unknown");
    expect(asked.count).toBe(2);
  });
});
