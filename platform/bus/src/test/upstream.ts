/**
 * Gateway and consuming service of a test in one real HTTP server. As gateway it knows the split
 * and refuses an older pin; as service it has an inbox, applies in order, and skips what stands
 * behind a failed event of its key. What it applied is the record that tests look at.
 */
import { laneOfKey } from "@tideway/gateway";
import type { SplitView, SplitsPage } from "@tideway/gateway";
import { KEYS_HEADER, PIN_HEADER } from "@tideway/schema";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly id: string;
  readonly type: string;
  readonly partitionkey: string;
  readonly sequence: string;
  readonly tidewayreplay?: number;
  readonly data: { readonly n: number };
}

export interface Applied {
  readonly event: Received;
  readonly revision: string;
}

export interface Upstream {
  readonly url: string;
  readonly applied: Applied[];
  /** Requests, refused ones included, by revision and status. */
  readonly requests: {
    readonly revision: string;
    readonly status: number;
    readonly events: number;
    readonly priority: string;
    readonly types: readonly string[];
  }[];
  readonly problems: string[];
  split: SplitView;
  /** Answered instead of the service, while set: 503 for a database that is away. */
  status: number | null;
  /** Null applies it; a text is the code it fails with. */
  judge: (event: Received, revision: string) => string | null;
  /** While set, deliveries of this revision wait for it before they are applied. */
  hold: { readonly revision: string; readonly until: Promise<void> } | null;
  /** Deliveries that have begun to wait for `hold`. */
  held: number;
  /** Types that only one of the live revisions consumes. */
  readonly onlyAt: Map<string, string>;
  duplicates: number;
  /** Batches with an event of this key are refused whole, as malformed ones are. */
  unreadable: string | null;
  /** How often the bus asked for the splits. */
  asked: number;
  splits(): Promise<SplitsPage>;
  close(): Promise<void>;
}

export const SECRET = "5ec4e7";

export async function startUpstream(split: SplitView): Promise<Upstream> {
  const inbox = new Set<string>();
  const server = createServer((req, res) => {
    answer(upstream, inbox, req, res).catch((error: unknown) => {
      upstream.problems.push(String(error));
      res.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address of this form.
  const { port } = server.address() as AddressInfo;
  const upstream: Upstream = {
    url: `http://127.0.0.1:${port}`,
    applied: [],
    requests: [],
    problems: [],
    split,
    status: null,
    judge: () => null,
    hold: null,
    held: 0,
    onlyAt: new Map(),
    duplicates: 0,
    unreadable: null,
    asked: 0,
    splits: () => {
      upstream.asked++;
      return Promise.resolve({ bootId: "test", services: [upstream.split] });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return upstream;
}

async function answer(
  upstream: Upstream,
  inbox: Set<string>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  const body: AsyncIterable<Buffer> = req;
  for await (const chunk of body) chunks.push(chunk);
  const [revision = "", epoch = ""] = String(req.headers[PIN_HEADER]).split("@");
  // The bus writes what a service's own type check would accept; a test looks at it closely.
  const events = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Received[];
  const send = (status: number, value: unknown): void => {
    const priority = String(req.headers["priority"]);
    const types = events.map(({ type }) => type);
    upstream.requests.push({ revision, status, events: events.length, priority, types });
    res.writeHead(status, { "content-type": "application/json" });
    res.end(JSON.stringify(value));
  };
  if (req.headers["tideway-instance"] !== `bus:${SECRET}`) return send(401, {});
  if (Number(epoch) !== upstream.split.epoch) return send(409, { code: "SPLIT_EPOCH_STALE" });
  checkPin(upstream, revision, String(req.headers[KEYS_HEADER]).split(","), events);
  if (upstream.status !== null) return send(upstream.status, { code: "UPSTREAM_UNAVAILABLE" });
  if (events.some(({ partitionkey }) => partitionkey === upstream.unreadable)) {
    return send(400, { code: "EVENT_BATCH_INVALID", title: "It cannot be read." });
  }
  if (upstream.hold?.revision === revision) {
    upstream.held++;
    await upstream.hold.until;
  }
  const failed = new Set<string>();
  const results = events.map((event) => {
    if (failed.has(event.partitionkey)) return { id: event.id, outcome: "skipped" };
    const place = `${event.id} ${event.tidewayreplay ?? 0}`;
    if (inbox.has(place)) {
      upstream.duplicates++;
      return { id: event.id, outcome: "duplicate" };
    }
    const code = upstream.judge(event, revision);
    if (code !== null) {
      failed.add(event.partitionkey);
      return { id: event.id, outcome: "failed", code, detail: "The test says so." };
    }
    inbox.add(place);
    upstream.applied.push({ event, revision });
    return { id: event.id, outcome: "applied" };
  });
  send(200, { results });
}

/** Each key must belong to the revision that its batch is pinned to, if that consumes its type. */
function checkPin(
  { split, problems, onlyAt }: Upstream,
  revision: string,
  digits: readonly string[],
  events: readonly Received[],
): void {
  const count = events.length;
  if (digits.length !== count) problems.push(`${digits.length} keys of ${count} events`);
  for (const [index, one] of digits.entries()) {
    const lane = laneOfKey(split, one);
    const own = lane === "candidate" ? split.candidate : split.stable;
    const expected = onlyAt.get(events[index]?.type ?? "") ?? own;
    if (expected !== revision) problems.push(`${one} went to ${revision}, not to ${expected}`);
  }
}
