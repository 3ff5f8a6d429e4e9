/**
 * Answers as the bus does about keys in trouble, for tests of what control makes of it: no real bus
 * gets into trouble without services that fail for minutes.
 */
import { createServer } from "node:http";
import type { KeyView } from "@tideway/bus";

export interface Asked {
  readonly route: string;
  readonly body: unknown;
}

export interface StandInBus {
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

export const aKey: KeyView = {
  group: "shop",
  key: "inv_1",
  state: "quarantined",
  eventId: "evt_1",
  type: "payments.invoice.paid.v1",
  tries: 8,
  code: "HANDLER_FAILED",
  detail: "It threw.",
  revision: "shop-1",
  waiting: 3,
  since: "2026-01-01T00:00:00.000Z",
  nextTryAt: null,
};

export async function startStandInBus(socketPath: string): Promise<StandInBus> {
  const asked: Asked[] = [];
  const answer = (route: string): readonly [number, unknown] => {
    const [path = "", query = ""] = route.split("?");
    switch (path) {
      case "GET /groups":
        return [200, { groups: [] }];
      case "GET /groups/shop/keys":
        return [200, { items: [aKey], next: query.includes("after") ? null : "more" }];
      case "POST /groups/shop/redrive":
        return [200, { keys: 2 }];
      case "POST /groups/shop/replay":
        return [200, { replay: 3 }];
      case "GET /events":
        return [200, { items: [], next: null }];
      default:
        return [404, problem("GROUP_UNKNOWN", { group: path })];
    }
  };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const body: unknown = text === "" ? null : JSON.parse(text);
      const route = `${req.method} ${req.url}`;
      asked.push({ route, body });
      const [status, value] = answer(route);
      res.writeHead(status, { "content-type": "application/json" });
      res.end(JSON.stringify(value));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  return {
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function problem(code: string, given: Readonly<Record<string, unknown>>) {
  return { code, title: `${code} happened.`, action: "Mend it.", retryable: false, given };
}
