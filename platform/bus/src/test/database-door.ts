/** A door between a service and its PostgreSQL: while it is shut the database is away. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface DatabaseDoor {
  /** The same database, through the door. */
  readonly url: string;
  open(): Promise<void>;
  /** Breaks every connection and takes no new ones. */
  shut(): Promise<void>;
  close(): Promise<void>;
}

const SOCKET = ".s.PGSQL.5432";

/** Makes a door that is open. */
export async function openDoor(databaseUrl: string): Promise<DatabaseDoor> {
  const folder = mkdtempSync(join(tmpdir(), "tw-busdoor-"));
  const url = new URL(databaseUrl);
  const far = join(url.searchParams.get("host") ?? "", SOCKET);
  url.searchParams.set("host", folder);
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  const passOn = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const shut = async (): Promise<void> => {
    const closing = server;
    server = null;
    for (const socket of sockets) socket.destroy();
    if (closing !== null) await new Promise((resolve) => closing.close(resolve));
  };
  const open = async (): Promise<void> => {
    if (server !== null) return;
    const opening = createServer((near) => {
      const behind = connect(far);
      passOn(near, behind);
      passOn(behind, near);
    });
    server = opening;
    await new Promise<void>((resolve) => opening.listen(join(folder, SOCKET), resolve));
  };
  await open();
  return {
    url: url.href,
    open,
    shut,
    close: async () => {
      await shut();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
