import net from "node:net";
import { getSystemErrorName } from "node:util";

interface BoundSocket {
  readonly fd: number;
  getsockname(out: object): number;
  close(): void;
}
type Bind = (host: string, port: number, family: 4 | 6) => BoundSocket | number;

/**
 * Binds without accepting. The process behind calls listen() on the inherited descriptor; while we
 * hold it too, the kernel keeps listening and connections queue until that process is back.
 */
export function bindSocket(host: string, port: number): BoundSocket {
  // The way node's own cluster module does it; there is no public one.
  const { _createServerHandle: bind } = net as unknown as { _createServerHandle: Bind };
  const made = bind(host, port, host.includes(":") ? 6 : 4);
  // libuv keeps EADDRINUSE back until listen(), but such a socket has no name.
  const problem = typeof made === "number" ? made : made.getsockname({});
  if (typeof made !== "number" && problem === 0) return made;
  throw new Error(`${host}:${port} cannot be bound: ${getSystemErrorName(problem)}`);
}
