/**
 * The socket an instance will serve is bound and listening before the instance exists: its port is
 * known at once, and connections made while it starts wait in the socket's queue instead of being
 * refused. The instance gets it as a descriptor.
 */
import net from "node:net";

export interface ListeningSocket {
  readonly port: number;
  readonly descriptor: number;
  /** Closes this process's copy. Must be called in the turn it was opened; see below. */
  close(): void;
}

/** How many connections may wait. */
const BACKLOG = 511;

/** The parts we use of node's own handle around a bound socket. */
interface BoundHandle {
  readonly fd: number;
  listen(backlog: number): number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

/**
 * A TCP socket listening on a free port of 127.0.0.1. Throws when the system has none left.
 *
 * Nobody here accepts from it. It is closed in the same turn, before the event loop polls, or node
 * would take connections that are meant for the instance.
 */
export function openListeningSocket(): ListeningSocket {
  const handle = bind();
  try {
    const name: { port?: number } = {};
    check(handle.getsockname(name), "getsockname");
    check(handle.listen(BACKLOG), "listen");
    if (name.port === undefined) throw new Error("The bound socket has no port.");
    return { port: name.port, descriptor: handle.fd, close: () => handle.close() };
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** `net.Server` listens only in a later turn; node's cluster binds by this function, as we do. */
function bind(): BoundHandle {
  const create: unknown = Reflect.get(net, "_createServerHandle");
  if (typeof create !== "function") {
    throw new Error("This node has no net._createServerHandle; use the node the project installs.");
  }
  const made: unknown = Reflect.apply(create, net, ["127.0.0.1", 0, 4]);
  if (typeof made === "number") check(made, "bind");
  return made as BoundHandle; // node has no type for it, and answers a handle or a number
}

function check(result: number, call: string): void {
  if (result !== 0) throw new Error(`${call} on 127.0.0.1 failed with error ${result}.`);
}
