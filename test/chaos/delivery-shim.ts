/**
 * Stands between the bus and the gateway and mistreats deliveries: sends one again later (what the
 * bus sent may arrive twice), holds one back until others have passed, loses the reply of one that
 * was done. Everything else passes unchanged.
 */
import { createServer, request } from "node:http";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sleep } from "@tideway/kernel";

export interface ShimFaults {
  /** Share of deliveries that arrive again, up to `repeatMs` later. */
  readonly repeatShare: number;
  readonly repeatMs: number;
  /** Share that is held back, for up to `holdMs`. */
  readonly holdShare: number;
  readonly holdMs: number;
  /** Share that is done and never answered: the connection breaks. */
  readonly loseReplyShare: number;
}

export const NO_SHIM_FAULTS: ShimFaults = {
  repeatShare: 0,
  repeatMs: 0,
  holdShare: 0,
  holdMs: 0,
  loseReplyShare: 0,
};

export interface ShimCounts {
  readonly deliveries: number;
  readonly repeated: number;
  readonly held: number;
  readonly repliesLost: number;
}

export interface DeliveryShim {
  readonly url: string;
  set(faults: Partial<ShimFaults>): void;
  heal(): void;
  counts(): ShimCounts;
  close(): Promise<void>;
}

const DELIVERY = /\/tideway\/events$/;
const BODY_BYTES_MAX = 16 * 1_048_576;
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "host"]);

interface Message {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ShimOptions {
  readonly gateway: string;
  readonly random: () => number;
}

export async function startDeliveryShim(options: ShimOptions): Promise<DeliveryShim> {
  const mistreating = new Mistreating(options);
  const underWay = new Set<Promise<void>>();
  const server = createServer((incoming, reply) => {
    const { method = "GET", url: path = "/", headers } = incoming;
    const work = readBody(incoming)
      .then((body) => mistreating.pass({ method, path, headers, body }, reply))
      .catch(() => {
        // One of the two sides broke off; the bus sees a lost connection, which is what it was.
        reply.destroy();
      })
      .finally(() => underWay.delete(work));
    underWay.add(work);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    set: (changed) => {
      mistreating.faults = { ...mistreating.faults, ...changed };
    },
    heal: () => {
      mistreating.faults = NO_SHIM_FAULTS;
    },
    counts: () => ({ ...mistreating.counts }),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([...underWay, ...mistreating.repetitions]);
      server.closeAllConnections();
      await closed;
    },
  };
}

class Mistreating {
  faults = NO_SHIM_FAULTS;
  readonly counts = { deliveries: 0, repeated: 0, held: 0, repliesLost: 0 };
  readonly repetitions = new Set<Promise<void>>();
  readonly #options: ShimOptions;

  constructor(options: ShimOptions) {
    this.#options = options;
  }

  async pass(message: Message, reply: ServerResponse): Promise<void> {
    const { gateway, random } = this.#options;
    const isDelivery = message.method === "POST" && DELIVERY.test(message.path);
    const chosen = (share: number): boolean => isDelivery && share > 0 && random() < share;
    if (isDelivery) this.counts.deliveries++;
    if (chosen(this.faults.repeatShare)) {
      this.counts.repeated++;
      this.#repeatLater(message, random() * this.faults.repeatMs);
    }
    if (chosen(this.faults.holdShare)) {
      this.counts.held++;
      await sleep(random() * this.faults.holdMs);
    }
    const answer = await forward(gateway, message);
    if (chosen(this.faults.loseReplyShare)) {
      this.counts.repliesLost++;
      reply.destroy();
      return;
    }
    reply.writeHead(answer.status, passedOn(answer.headers));
    reply.end(answer.body);
  }

  #repeatLater(message: Message, afterMs: number): void {
    const again = sleep(afterMs)
      .then(() => forward(this.#options.gateway, message))
      .then(
        () => undefined,
        () => undefined, // Nobody waits for the answer of a repetition.
      )
      .finally(() => this.repetitions.delete(again));
    this.repetitions.add(again);
  }
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const FORWARD_MS_MAX = 60_000;

function forward(gateway: string, message: Message): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      new URL(message.path, gateway),
      {
        method: message.method,
        headers: { ...passedOn(message.headers), "content-length": message.body.length },
        timeout: FORWARD_MS_MAX,
      },
      (incoming) => {
        readBody(incoming).then(
          (body) =>
            resolve({ status: incoming.statusCode ?? 502, headers: incoming.headers, body }),
          reject,
        );
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("The gateway did not answer.")));
    outgoing.on("error", reject);
    outgoing.end(message.body);
  });
}

async function readBody(from: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of from) {
    if (!Buffer.isBuffer(piece)) throw new TypeError("A body without an encoding is buffers.");
    bytes += piece.length;
    if (bytes > BODY_BYTES_MAX) throw new Error(`A body is larger than ${BODY_BYTES_MAX} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
  return Object.fromEntries(kept);
}
