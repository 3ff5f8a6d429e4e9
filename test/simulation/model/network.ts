/**
 * Requests between processes of the model. Each may be late, be lost, arrive twice, overtake
 * another, or be done without its reply ever coming back; whoever asked learns "lost" and knows
 * nothing. A server that is killed loses what it was doing; a stopped one does it later, also when
 * nobody waits any more.
 */
import type { SimProcess, Task } from "../kernel/process.ts";
import { suspend } from "../kernel/process.ts";
import type { World } from "../kernel/world.ts";

export interface NetworkFaults {
  readonly lostShare: number;
  readonly replyLostShare: number;
  readonly twiceShare: number;
  readonly delayMs: readonly [number, number];
  /** A share of the messages takes up to this much longer. */
  readonly lateShare: number;
  readonly lateMs: number;
}

export interface Server<Q, A> {
  readonly process: SimProcess;
  /** Calls `reply` once; what it does after that nobody waits for. */
  readonly answer: (request: Q, reply: (answer: A) => void) => Task<void>;
}

export type Outcome<A> =
  | { readonly kind: "answered"; readonly value: A }
  /** Nothing listens there: certainly not done. */
  | { readonly kind: "refused" }
  | { readonly kind: "lost" };

export interface Network {
  call<Q, A>(server: Server<Q, A>, request: Q, timeoutMs: number): Task<Outcome<A>>;
}

export function createNetwork(world: World, faultsNow: () => NetworkFaults): Network {
  const { random } = world;
  const travelMs = (): number => {
    const faults = faultsNow();
    const late = random.chance(faults.lateShare) ? random.ms(0, faults.lateMs) : 0;
    return random.ms(...faults.delayMs) + late;
  };
  return {
    *call<Q, A>(server: Server<Q, A>, request: Q, timeoutMs: number): Task<Outcome<A>> {
      const faults = faultsNow();
      return yield* suspend<Outcome<A>>((resume) => {
        world.after(timeoutMs, () => resume({ kind: "lost" }));
        if (random.chance(faults.lostShare)) return;
        const copies = random.chance(faults.twiceShare) ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) {
          world.after(travelMs(), () => {
            if (!server.process.isUp()) {
              // Where another copy is under way, nobody may say that nothing is done.
              if (copies === 1) resume({ kind: "refused" });
              return;
            }
            const forget = server.process.atDeath(() => resume({ kind: "lost" }));
            server.process.spawn(serve(server, request, resume, forget));
          });
        }
      });
    },
  };

  function* serve<Q, A>(
    server: Server<Q, A>,
    request: Q,
    resume: (outcome: Outcome<A>) => void,
    forget: () => void,
  ): Task<void> {
    yield* server.answer(request, (value) => {
      forget();
      if (random.chance(faultsNow().replyLostShare)) return;
      world.after(travelMs(), () => resume({ kind: "answered", value }));
    });
  }
}
