/** A TIDEWAY_HOME of its own for a test, with engines on it and a proof that nothing stays behind. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "@tideway/kernel";
import type { InstanceState, Revision, RevisionState } from "../engine.ts";
import type { ProcessEngineOptions } from "../options.ts";
import { createProcessEngine } from "../process-engine.ts";
import type { ProcessEngine } from "../process-engine.ts";
import { signalProcess } from "../process-identity.ts";
import { BEHAVIOUR, writeRevision } from "./fixture-revision.ts";
import type { FixtureBehaviour } from "./fixture-revision.ts";

export interface TestHome {
  readonly home: string;
  /** What `environment` tells instances started from now on. */
  behaviour: FixtureBehaviour;
  /** What engines reported to nobody in particular. */
  readonly errors: unknown[];
  path(name: string): string;
  engine(options?: Partial<ProcessEngineOptions>): TestEngine;
  revision(number?: number): Promise<Revision>;
  /** Ends everything and fails when a process of this home is left. */
  close(): Promise<void>;
}

export interface TestEngine extends ProcessEngine {
  /** The newest state of a revision. */
  state(revision: string): RevisionState | undefined;
  /** Waits until the newest state of a revision satisfies `test`, 20 s at most. */
  reach(
    revision: string,
    what: string,
    test: (state: RevisionState) => boolean,
  ): Promise<RevisionState>;
  /** Waits until `count` instances are ready and no others are there. */
  ready(revision: string, count: number): Promise<readonly InstanceState[]>;
  /** Each state the watch has emitted. */
  readonly history: readonly RevisionState[];
}

const REACH_MS_MAX = 20_000;

export async function openTestHome(): Promise<TestHome> {
  const home = await mkdtemp(join(tmpdir(), "tideway-engine-"));
  const engines = new Set<TestEngine>();
  const errors: unknown[] = [];
  const test: TestHome = {
    home,
    behaviour: {},
    errors,
    path: (name) => join(home, name),
    revision: (number) => writeRevision(home, number),
    engine(options = {}) {
      const engine = createProcessEngine({
        home,
        node: process.execPath,
        environment: () => Promise.resolve({ [BEHAVIOUR]: JSON.stringify(test.behaviour) }),
        onError: (error) => errors.push(error),
        drainNoticeMs: 20,
        ...options,
      });
      const observed = observe(engine);
      engines.add(observed);
      return observed;
    },
    async close() {
      for (const engine of engines) await engine.close();
      const last = createProcessEngine({
        home,
        node: process.execPath,
        environment: () => Promise.resolve({}),
      });
      try {
        await last.stopAll(0);
        await last.close();
        await until(async () => (await processesOf(home)).length === 0, {
          deadlineMs: 5_000,
          what: `no process of ${home} is left`,
        });
      } finally {
        // Only after a failure is there anything; it must not outlive the test that it failed.
        for (const pid of await processesOf(home)) signalProcess(pid, "SIGKILL");
        await rm(home, { recursive: true, force: true });
      }
    },
  };
  return test;
}

/** The pids of all processes whose command names the folder. */
export async function processesOf(folder: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axww", "-o", "pid=,command="]);
  return stdout
    .split("\n")
    .filter((line) => line.includes(folder))
    .map((line) => Number.parseInt(line, 10));
}

function observe(engine: ProcessEngine): TestEngine {
  const history: RevisionState[] = [];
  const newest = new Map<string, RevisionState>();
  const stopped = new AbortController();
  const following = (async () => {
    for await (const state of engine.watch(stopped.signal)) {
      history.push(state);
      newest.set(state.revision, state);
    }
  })();
  const reach: TestEngine["reach"] = (revision, what, test) =>
    until(
      () => {
        const state = newest.get(revision);
        return state !== undefined && test(state) && state;
      },
      { deadlineMs: REACH_MS_MAX, intervalMs: 5, what: `${revision}: ${what}` },
    );
  return {
    ...engine,
    history,
    reach,
    state: (revision) => newest.get(revision),
    async ready(revision, count) {
      const all = (state: RevisionState): boolean =>
        state.instances.length === count &&
        state.instances.every((instance) => instance.status === "ready");
      return (await reach(revision, `${count} ready`, all)).instances;
    },
    async close() {
      stopped.abort();
      await engine.close();
      await following;
    },
  };
}
