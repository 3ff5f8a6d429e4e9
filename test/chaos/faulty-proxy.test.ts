/** Each fault is seen from outside: by a client and a server that talk through the proxy. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { present, until } from "@tideway/kernel";
import { testDatabase } from "@tideway/testkit";
import type { TestDatabase } from "@tideway/testkit";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startFaultyProxy } from "./faulty-proxy.ts";
import type { FaultyProxy } from "./faulty-proxy.ts";

let proxy: FaultyProxy;

describe("between a client and a server that echoes", () => {
  let echo: Server;
  const events: string[] = [];

  beforeAll(async () => {
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("data", (piece) => socket.write(piece));
      socket.on("end", () => {
        events.push("end");
        socket.end("bye");
      });
      socket.on("error", () => events.push("error"));
    });
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  });

  afterEach(() => proxy.close());
  afterAll(() => new Promise((resolve) => echo.close(resolve)));

  test("without faults everything arrives, the end too", async () => {
    const client = await throughProxy();
    expect(await client.ask("hello")).toBe("hello");
    client.socket.end();
    await client.closed;
    expect(client.received()).toBe("hellobye");
  });

  test("latency holds back a reply twice, once a direction", async () => {
    const client = await throughProxy();
    proxy.set({ latencyMs: 60 });
    const startedMs = performance.now();
    await client.ask("late");
    expect(performance.now() - startedMs).toBeGreaterThan(115);
  });

  test("bandwidth paces what is passed on", async () => {
    const client = await throughProxy();
    proxy.set({ bytesPerSecond: 100_000 });
    const startedMs = performance.now();
    await client.ask("x".repeat(15_000));
    expect(performance.now() - startedMs).toBeGreaterThan(145);
  });

  test("silence keeps the connection and gives everything once healed", async () => {
    const client = await throughProxy();
    proxy.set({ isSilent: true });
    client.socket.write("still there");
    await expect(client.receives("still", 150)).rejects.toThrow("Not within");
    expect(client.socket.destroyed).toBe(false);
    proxy.heal();
    await client.receives("still there");
  });

  test("a reset is an error on both sides", async () => {
    const client = await throughProxy();
    await client.ask("x");
    events.length = 0;
    expect(proxy.reset()).toBe(1);
    await client.closed;
    expect(client.error()).toBe("ECONNRESET");
    await until(() => events.includes("error"), { deadlineMs: 2_000, what: "the server's error" });
  });

  test("a half-close tells the server alone, whose last words still arrive", async () => {
    const client = await throughProxy();
    await client.ask("x");
    events.length = 0;
    proxy.halfClose();
    await client.receives("xbye");
    expect(events).toEqual(["end"]);
  });

  test("a slow close reaches the other side late", async () => {
    const client = await throughProxy();
    await client.ask("x");
    proxy.set({ slowCloseMs: 120 });
    const startedMs = performance.now();
    client.socket.end();
    await client.closed;
    expect(performance.now() - startedMs).toBeGreaterThan(115);
  });

  async function throughProxy() {
    // A server that listens on TCP has an AddressInfo.
    const { port } = echo.address() as AddressInfo;
    const listen = { host: "127.0.0.1", port: 0 };
    const target = { host: "127.0.0.1", port };
    proxy = await startFaultyProxy({ listen, target, protocol: "bytes", random: () => 0 });
    return talker(connect(proxy.address));
  }
});

describe("between a client and PostgreSQL", () => {
  const folder = mkdtempSync(join(tmpdir(), "tw-cut-"));
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase({ service: "chaos" });
    const admin = await connectTo(database.adminUrl);
    await admin.query("create table notes (text text)");
    await admin.query("grant all on notes to chaos_app");
    await admin.end();
    const real = present(new URL(database.url).searchParams.get("host"), "It is a Unix socket.");
    proxy = await startFaultyProxy({
      listen: { path: join(folder, ".s.PGSQL.5432") },
      target: { path: join(real, ".s.PGSQL.5432") },
      protocol: "postgres",
      random: () => 0,
    });
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await proxy.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("queries pass, also large ones in both directions", async () => {
    const client = await connectTo(throughUrl());
    const long = "x".repeat(3_000_000);
    const answer = await client.query<{ text: string }>("select $1::text as text", [long]);
    expect(answer.rows[0]?.text.length).toBe(long.length);
    await client.end();
  });

  test("a cut before the commit: the client fails, nothing stays", async () => {
    const client = await connectTo(throughUrl());
    await client.query("begin");
    await client.query("insert into notes values ('before')");
    proxy.set({ cutBeforeCommitShare: 1 });
    await expect(client.query("commit")).rejects.toThrow("Connection terminated");
    expect(await count("before")).toBe(0);
    expect(proxy.counts().cutsBefore).toBe(1);
  });

  test("a cut after the commit: the client fails all the same, and it is done", async () => {
    const client = await connectTo(throughUrl());
    await client.query("begin");
    await client.query("insert into notes values ($1)", ["after"]);
    proxy.set({ cutAfterCommitShare: 1 });
    await expect(client.query("commit")).rejects.toThrow("Connection terminated");
    expect(await count("after")).toBe(1);
    expect(proxy.counts().cutsAfter).toBe(1);
  });

  test("a statement that commits by itself is cut after it was done", async () => {
    const client = await connectTo(throughUrl());
    proxy.set({ cutAfterCommitShare: 1 });
    const lost = client.query("insert into notes values ($1)", ["alone"]);
    await expect(lost).rejects.toThrow("Connection terminated");
    expect(await count("alone")).toBe(1);
  });

  test("a rollback and a failed statement are no commits", async () => {
    const client = await connectTo(throughUrl());
    proxy.set({ cutAfterCommitShare: 1, cutBeforeCommitShare: 1 });
    await client.query("begin");
    await client.query("insert into notes values ('never')");
    await expect(client.query("select 1 / 0")).rejects.toThrow("division by zero");
    await client.query("rollback");
    await client.end();
    expect(await count("never")).toBe(0);
  });

  function throughUrl(): string {
    const url = new URL(database.url);
    url.searchParams.set("host", folder);
    return url.href;
  }

  async function count(text: string): Promise<number> {
    const sql = "select 1 from notes where text = $1";
    const admin = await connectTo(database.adminUrl);
    const found = await admin.query(sql, [text]);
    await admin.end();
    return found.rowCount ?? 0;
  }
});

async function connectTo(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  client.on("error", () => {
    // The query under way rejects with the same error.
  });
  await client.connect();
  return client;
}

function talker(socket: Socket) {
  let received = "";
  let error = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => void (received += text));
  socket.on("error", (cause) => void (error = String(Reflect.get(cause, "code"))));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const receives = (text: string, deadlineMs = 5_000) =>
    until(() => received.includes(text), { deadlineMs, intervalMs: 2, what: `${text} arrives` });
  return {
    socket,
    closed,
    receives,
    received: () => received,
    error: () => error,
    ask: async (text: string): Promise<string> => {
      socket.write(text);
      await receives(text);
      return received;
    },
  };
}
