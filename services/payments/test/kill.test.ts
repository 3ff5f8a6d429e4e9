/**
 * A real instance, started as the engine starts one and killed with -9 right after the ledger's
 * commit: its successor answers the retry with the one payment that was made.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { paymentsApi } from "@tideway/api-payments";
import { createClient } from "@tideway/client";
import { newId, until } from "@tideway/kernel";
import {
  ASSERTION_HEADER,
  ASSERTION_VALID_MS,
  assertionKeyOf,
  assertionSecret,
  newInstanceSecret,
  signAssertion,
} from "@tideway/trust";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failureOf, newKey, send, startMoney } from "./money-under-test.ts";
import type { Money, Payments, Person } from "./money-under-test.ts";

interface Instance {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  as(person: Person): Payments;
}

let money: Money;
beforeAll(async () => {
  money = await startMoney();
});
const spawned: ChildProcess[] = [];
afterAll(async () => {
  // Whatever the test came to, no process stays behind.
  for (const child of spawned) child.kill("SIGKILL");
  await money.close();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function startProcess(): Promise<Instance> {
  const [instance, secret, port] = [newId("ins"), newInstanceSecret(), await freePort()];
  const { config } = money.payments;
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const child = spawn(process.execPath, [main], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      TIDEWAY_SERVICE: "payments",
      TIDEWAY_REVISION: "payments-2",
      TIDEWAY_INSTANCE: instance,
      TIDEWAY_INSTANCE_SECRET: secret,
      TIDEWAY_INTERNAL_URL: config.internalUrl,
      TIDEWAY_PUBLIC_URL: config.publicUrl,
      TIDEWAY_DATABASE_URL: config.databaseUrl ?? "",
      TIDEWAY_SERVICE_KEY: config.serviceKey,
      TIDEWAY_LISTEN: `tcp:127.0.0.1:${port}`,
    },
  });
  spawned.push(child);
  const ended = once(child, "exit");
  money.gateway.callers.add(`${instance}:${secret}`);
  const origin = `http://127.0.0.1:${port}`;
  await until(
    () =>
      fetch(`${origin}/ready`).then(
        (answer) => answer.ok,
        () => false,
      ),
    {
      deadlineMs: 20_000,
      what: "the instance is ready",
    },
  );
  const headersFor = (person: string, method: string, path: string) => ({
    [ASSERTION_HEADER]: signAssertion(
      {
        caller: null,
        revision: null,
        instance: null,
        audience: "payments",
        method,
        path,
        person,
        expiresAtMs: Date.now() + ASSERTION_VALID_MS,
      },
      assertionSecret(assertionKeyOf(secret)),
    ),
  });
  return {
    process: child,
    ended,
    as: (person) =>
      createClient(paymentsApi, {
        baseUrl: origin,
        token: () => person.token,
        fetch: (url, init) => {
          const { pathname, search } = new URL(url);
          const signed = headersFor(person.person, init.method ?? "GET", pathname + search);
          const headers = { ...Object.fromEntries(new Headers(init.headers)), ...signed };
          return fetch(url, { ...init, headers });
        },
      }),
  };
}

test("an instance killed after the ledger's commit leaves a payment that is made once", async () => {
  const [ada, ben] = await Promise.all([money.rich(), money.signUp()]);
  const instance = await startProcess();
  const key = newKey();
  money.gateway.fault = (call) => {
    if (call.path !== "/transfers" || call.method !== "POST") return "none";
    // The posting is on its way and will be committed; nobody is there for its answer.
    instance.process.kill("SIGKILL");
    return "lose-answer";
  };
  const failure = await failureOf(send(ada, ben, "480", { key, by: instance.as(ada) }));
  expect(failure).toMatchObject({ code: "UNREACHABLE", status: 0 });
  await instance.ended;
  money.gateway.fault = () => "none";
  await until(async () => (await money.available(ben)) === 480n, {
    deadlineMs: 5_000,
    what: "the ledger commits",
  });
  const [cutOff] = (await ada.payments.payments()).items;
  expect(cutOff?.state).toBe("pending");
  // The dead instance's lease ends after 5 s, within the retry's deadline.
  const paid = await send(ada, ben, "480", { key });
  expect(paid).toMatchObject({ state: "paid", payment: cutOff?.payment });
  expect(await money.movements(paid.payment)).toBe(1);
  expect(await money.available(ada)).toBe(99_520n);
});
