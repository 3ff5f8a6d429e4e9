/** The gateway's account of first attempts by route, for the simulation. */
import type { Lane, RouteEvidence } from "./evidence.ts";

export interface SimulatedRoutes {
  add(route: number, lane: Lane, isBad: boolean): void;
  view(): readonly RouteEvidence[];
  candidateTotal(): number;
}

/** Counts over `size` routes; a run of bad answers ends with the next good one. */
export function createRoutes(size: number): SimulatedRoutes {
  const routes = Array.from({ length: size }, (_, i) => {
    return {
      route: `POST /route-${i}`,
      stable: { total: 0, bad: 0 },
      candidate: { total: 0, bad: 0, runMax: 0 },
      run: 0,
    };
  });
  return {
    add: (index, lane, isBad) => {
      const route = routes[index];
      if (route === undefined) return;
      route[lane].total += 1;
      route[lane].bad += isBad ? 1 : 0;
      if (lane === "stable") return;
      route.run = isBad ? route.run + 1 : 0;
      route.candidate.runMax = Math.max(route.candidate.runMax, route.run);
    },
    view: () => routes,
    candidateTotal: () => routes.reduce((sum, route) => sum + route.candidate.total, 0),
  };
}
