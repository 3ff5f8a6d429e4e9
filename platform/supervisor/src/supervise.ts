import * as fs from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { end, identify } from "./identity.ts";
import { Keeper } from "./keeper.ts";
import type { SupervisorOptions, SupervisorStatus } from "./options.ts";

/** Runs until SIGTERM, SIGINT or `stop` on its socket; then everything it kept has ended. */
export async function supervise({ runFolder, processes }: SupervisorOptions): Promise<void> {
  const mark = claim(`${runFolder}/supervisors`);
  const [file, socketFile] = [`${runFolder}/supervisor.json`, `${runFolder}/supervisor.sock`];
  const left = readStatus(file)?.processes ?? [];
  const head = { pid: process.pid, start: "", ...identify(process.pid), startedAtMs: Date.now() };
  const status = () => ({ ...head, processes: keepers.map((keeper) => keeper.status) });
  const save = () => {
    try {
      fs.writeFileSync(`${file}.new`, JSON.stringify(status(), null, 2), { mode: 0o600 });
      fs.renameSync(`${file}.new`, file);
    } catch (error) {
      console.error(String(error)); // A full disk is no reason to leave the others alone.
    }
  };
  const keepers = processes.map((options) => {
    const mine = left.find(({ name }) => name === options.name);
    return new Keeper(options, mine, save);
  });
  const stopAsked = Promise.withResolvers<void>();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stopAsked.resolve());
  const stopped = stopAsked.promise.then(async () => {
    for (const keeper of keepers.toReversed()) await keeper.stop();
  });
  serve(socketFile, { status, stop: () => (stopAsked.resolve(), stopped) });
  for (const { name, running, stopSignal } of left)
    if (running && !processes.some((kept) => kept.name === name))
      await end(running, stopSignal, 10_000);
  for (const keeper of keepers) await keeper.start();
  await stopped;
  for (const path of [file, socketFile, mark]) fs.rmSync(path, { force: true });
}

/** What the last supervisor wrote; null when there is nothing to adopt. */
export function readStatus(file: string): SupervisorStatus | null {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as SupervisorStatus; // Only we write it.
  } catch {
    return null; // None yet, or a broken disk broke it.
  }
}

/** JSON lines: `{"do":"status"}` answers at once, `{"do":"stop"}` when everything has ended. */
function serve(path: string, acts: { status: () => object; stop: () => Promise<void> }): void {
  fs.rmSync(path, { force: true }); // A dead supervisor's: we hold the mark.
  const server = createServer((socket) => {
    const hangUp = () => socket.destroy();
    const lines = createInterface(socket.on("error", hangUp)).on("error", hangUp); // It repeats them.
    lines.on("line", (line) => {
      const answer = (value: object) => socket.write(`${JSON.stringify(value)}\n`);
      const failed = (error: unknown) => answer({ error: String(error) });
      if (line === '{"do":"status"}') answer(acts.status());
      else if (line === '{"do":"stop"}') acts.stop().then(() => answer({ stopped: true }), failed);
      else failed('ask {"do":"status"} or {"do":"stop"}');
    });
  });
  server.listen(path, () => fs.chmodSync(path, 0o600));
}

/**
 * Makes sure we are alone: each leaves a mark first and looks round afterwards, so that of two
 * starting at once at least one sees the other and withdraws. A dead one's mark does not count.
 */
function claim(folder: string): string {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mine = `${process.pid} ${identify(process.pid)?.start}`;
  fs.writeFileSync(`${folder}/${mine}`, "");
  for (const other of fs.readdirSync(folder).filter((name) => name !== mine)) {
    const pid = Number.parseInt(other, 10);
    const alive = `${pid} ${identify(pid)?.start}` === other;
    fs.rmSync(`${folder}/${alive ? mine : other}`, { force: true });
    if (alive) throw new Error(`A supervisor runs already (pid ${pid}): npx tideway status.`);
  }
  return `${folder}/${mine}`;
}
