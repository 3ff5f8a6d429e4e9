/** The stream over real connections: what a reader gets, and what a reader that stands still costs. */
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { ADMIN_STREAM_PATH } from "@tideway/api-admin";
import { Fastify } from "@tideway/http";
import { until } from "@tideway/kernel";
import { afterEach, expect, test } from "vitest";
import type { Conductor } from "../conductor.ts";
import { addStream } from "./stream.ts";

type Listener = Parameters<Conductor["onChange"]>[0];
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function openServer() {
  const listeners = new Set<Listener>();
  const conductor: Pick<Conductor, "onChange"> = {
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const app = Fastify({ forceCloseConnections: true });
  const operator = { operator: "opr_1", name: "ada" };
  addStream(app, { conductor, operatorOf: () => Promise.resolve(operator) });
  await app.listen({ port: 0, host: "127.0.0.1" });
  closers.push(() => app.close());
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET ${ADMIN_STREAM_PATH} HTTP/1.1\r\nhost: x\r\n\r\n`);
  closers.push(() => Promise.resolve(socket.destroy()));
  await until(() => listeners.size === 1, { deadlineMs: 5_000, what: "the stream is open" });
  const tell = (services: readonly string[]): void => {
    for (const listener of listeners) listener(services);
  };
  return { listeners, socket, tell };
}

test("a change is told with the services that changed", async () => {
  const { socket, tell } = await openServer();
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  tell(["payments"]);
  await until(() => text.includes('"services":["payments"]'), {
    deadlineMs: 5_000,
    what: "the event",
  });
  expect(text).toContain("event: changed");
});

test("a reader that stands still is let go instead of filling the memory", async () => {
  const { socket, listeners, tell } = await openServer();
  socket.pause();
  const names = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(100_000, "x"));
  await until(
    () => {
      tell(names);
      return listeners.size === 0;
    },
    { deadlineMs: 20_000, intervalMs: 50, what: "the stream is closed" },
  );
  expect(listeners.size).toBe(0);
});
