/** A door between an instance and its PostgreSQL: it can be shut, and lose the answer to a statement. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DatabaseDoor {
  /** The same database, through the door. */
  readonly url: string;
  /** How many messages to the server held this text. */
  seen(text: string): number;
  /**
   * The next message with this text reaches the server, and the connection breaks when the answer
   * comes: nobody hears whether it was carried out, and it was.
   */
  loseAnswerTo(text: string): void;
  /** Breaks all connections and takes no new ones. */
  shut(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function openDoor(databaseUrl: string): Promise<DatabaseDoor> {
  const folder = mkdtempSync(join(tmpdir(), "tw-saga-"));
  const url = new URL(databaseUrl);
  const realPath = join(url.searchParams.get("host") ?? "", ".s.PGSQL.5432");
  url.searchParams.set("host", folder);
  const sockets = new Set<Socket>();
  const sent: string[] = [];
  let cut: string | null = null;
  let server: Server | null = null;

  const pass = (near: Socket): void => {
    const far = connect(realPath);
    let isLosing = false;
    near.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      sent.push(text);
      if (cut !== null && text.includes(cut)) {
        cut = null;
        isLosing = true;
      }
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      if (!isLosing) {
        near.write(chunk);
        return;
      }
      near.destroy();
      far.destroy();
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  };
  const door: DatabaseDoor = {
    url: url.href,
    seen: (text) => sent.filter((one) => one.includes(text)).length,
    loseAnswerTo: (text) => {
      cut = text;
    },
    shut: async () => {
      const closing = server;
      server = null;
      for (const socket of sockets) socket.destroy();
      if (closing !== null) await new Promise((resolve) => closing.close(resolve));
    },
    open: async () => {
      if (server !== null) return;
      const opening = createServer(pass);
      server = opening;
      await new Promise<void>((resolve) => {
        opening.listen(join(folder, ".s.PGSQL.5432"), resolve);
      });
    },
    close: async () => {
      await door.shut();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await door.open();
  return door;
}
