import { createServer } from "node:net";
import * as fs from "node:fs";
import type { SupervisorOptions } from "@tideway/supervisor";
import { cliErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { optionsFileOf, readSupervisor, runningProcesses } from "../supervisor-client.ts";
import type { Listener } from "../up/up-options.ts";
import type { Check, Finding } from "./check.ts";

const TRIES = 50;

/** Every port must be free, or held by what runs from this very home. */
export const portCheck: Check = {
  name: "ports",
  blocking: true,
  run: async ({ home, up }) => {
    const ours = ourPorts(home);
    const findings: Finding[] = [];
    for (const listener of Object.values(up.listeners)) {
      const problem = ours.has(listener.port) ? null : await problemWithPort(listener);
      if (problem !== null) findings.push({ error: await explain(listener, problem) });
    }
    const ports = Object.values(up.listeners).map(({ port }) => port);
    return findings.length > 0 ? findings : `${ports.join(", ")} free or ours`;
  },
};

/** The system's word for why a port cannot be listened on, null when it can. */
export function problemWithPort({ host, port }: Pick<Listener, "host" | "port">) {
  return new Promise<string | null>((resolve) => {
    const server = createServer();
    server.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

async function explain({ purpose, host, port }: Listener, problem: string) {
  const given = { purpose, host, port, problem };
  if (problem !== "EADDRINUSE") return cliErrors.error("PORT_FORBIDDEN", { given });
  return cliErrors.error("PORT_TAKEN", { given: { ...given, free: await freePort(host, port) } });
}

/** The first port above with two free neighbours, so that the command we name works. */
async function freePort(host: string, taken: number): Promise<number> {
  for (let port = taken + 1_000; port < Math.min(65_533, taken + 1_000 + TRIES * 10); port += 10) {
    const problems = await Promise.all(
      [0, 1, 2].map((offset) => problemWithPort({ host, port: port + offset })),
    );
    if (problems.every((problem) => problem === null)) return port;
  }
  return 18_080;
}

function ourPorts(home: Home): Set<number> {
  const running = new Set(runningProcesses(readSupervisor(home).status).map(({ name }) => name));
  if (running.size === 0 || !fs.existsSync(optionsFileOf(home))) return new Set();
  const text = fs.readFileSync(optionsFileOf(home), "utf8");
  const { processes } = JSON.parse(text) as SupervisorOptions; // Written by us, renamed when whole.
  const listening = processes.filter(({ name }) => running.has(name));
  return new Set(listening.flatMap(({ listen }) => listen.map(({ port }) => port)));
}
