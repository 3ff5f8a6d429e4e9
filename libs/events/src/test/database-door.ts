/** A door between a service and its PostgreSQL: it can be shut, and things can get stuck in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DatabaseDoor {
  /** The same database, through the door. */
  readonly url: string;
  /** Breaks all connections and takes no new ones. */
  shut(): Promise<void>;
  /** Connections stay, but nothing comes through any more. */
  freeze(): void;
  /** As at the beginning; also lets through what was stuck. */
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function openDoor(databaseUrl: string): Promise<DatabaseDoor> {
  const folder = mkdtempSync(join(tmpdir(), "tw-door-"));
  const path = join(folder, ".s.PGSQL.5432");
  const url = new URL(databaseUrl);
  const realPath = join(url.searchParams.get("host") ?? "", ".s.PGSQL.5432");
  url.searchParams.set("host", folder);
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let server: Server | null = null;
  const pass = (near: Socket): void => {
    const far = connect(realPath);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      if (isFrozen) from.pause();
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  };
  const door: DatabaseDoor = {
    url: url.href,
    shut: async () => {
      const closing = server;
      server = null;
      for (const socket of sockets) socket.destroy();
      if (closing !== null) await new Promise((resolve) => closing.close(resolve));
    },
    freeze: () => {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    open: async () => {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
      if (server !== null) return;
      const opening = createServer(pass);
      server = opening;
      await new Promise<void>((resolve) => opening.listen(path, resolve));
    },
    close: async () => {
      await door.shut();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await door.open();
  return door;
}
