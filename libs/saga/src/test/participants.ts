/**
 * The services that the tests' sagas call, over real HTTP: each does what it is asked once for an
 * id, and makes sure on an undo that it is not done and never will be.
 */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/**
 * `refuse`: 409 for good. `busy`: 429. `fail`: 500 before anything happened. `lose`: it happens and
 * the connection breaks. `hang`: it happens when the returned promise ends.
 */
export type Fault = "none" | "refuse" | "busy" | "fail" | "lose";

export interface ParticipantCall {
  /** stock, label, ship, sell; with undo- before it for an undo. */
  readonly what: string;
  readonly id: string;
  readonly key: string;
}

export interface Participants {
  readonly url: string;
  readonly calls: ParticipantCall[];
  /** `<what> <id>` of everything that is done now. */
  readonly done: Set<string>;
  /** How often something was done, by `<what> <id>`. */
  readonly times: Map<string, number>;
  fault: (call: ParticipantCall) => Fault | Promise<Fault>;
  /** What is answered. */
  reply: (call: ParticipantCall) => unknown;
  /** The words of a refusal. */
  title: string;
  close(): Promise<void>;
}

export async function startParticipants(): Promise<Participants> {
  const barred = new Set<string>();
  const participants: Participants = {
    url: "",
    calls: [],
    done: new Set(),
    times: new Map(),
    fault: () => "none",
    reply: ({ what }) => ({ ok: what }),
    title: "no",
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    const [, , what = "", id = ""] =
      /^\/api\/([a-z]+)\/([a-z-]+)\/(.+)$/.exec(request.url ?? "") ?? [];
    const key = String(request.headers["idempotency-key"]);
    void text(request)
      .then(() => answer(participants, barred, { what, id, key }, response))
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an AddressInfo, never a string.
  const { port } = server.address() as AddressInfo;
  return Object.assign(participants, { url: `http://127.0.0.1:${port}` });
}

async function answer(
  participants: Participants,
  barred: Set<string>,
  call: ParticipantCall,
  response: ServerResponse,
): Promise<void> {
  participants.calls.push(call);
  const fault = await participants.fault(call);
  const refuse = (status: number, code: string, retryable: boolean): void =>
    problem(response, status, { code, title: participants.title, action: "", retryable });
  if (fault === "fail") return refuse(500, "BROKEN", false);
  if (fault === "busy") return refuse(429, "TOO_MANY", true);
  if (fault === "refuse") return refuse(409, "REFUSED", false);
  const isUndo = call.what.startsWith("undo-");
  const subject = `${call.what.replace("undo-", "")} ${call.id}`;
  if (isUndo) {
    participants.done.delete(subject);
    barred.add(subject);
  } else {
    if (barred.has(subject)) return refuse(409, "BARRED", false);
    if (!participants.done.has(subject)) {
      participants.times.set(subject, (participants.times.get(subject) ?? 0) + 1);
    }
    participants.done.add(subject);
  }
  if (fault === "lose") {
    response.socket?.destroy();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(participants.reply(call)));
}

function problem(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify(body));
}
