/** The console's files, and the probe of the operators' port. */
import { PROBLEM_TYPE, toProblem } from "@tideway/http";
import type { FastifyInstance } from "@tideway/http";
import { Apps } from "@tideway/gateway";
import type { BuiltApp } from "../apps-file.ts";
import { routeUnknown } from "./server.ts";

export interface ConsoleOptions {
  readonly apps: () => Promise<readonly BuiltApp[]>;
  /** Throws while control cannot work. */
  readonly checkHealth: () => Promise<void>;
}

export function addConsole(app: FastifyInstance, options: ConsoleOptions): void {
  const files = new Apps();
  app.get("/health", async (_, reply) => {
    try {
      await options.checkHealth();
      return { status: "alive" };
    } catch {
      return reply.code(503).send({ status: "starting" });
    }
  });
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split("?")[0] ?? "/";
    if (path.startsWith("/api/")) {
      const problem = toProblem(routeUnknown(request), request.traceId);
      return reply.code(404).type(PROBLEM_TYPE).send(JSON.stringify(problem));
    }
    const built = await options.apps();
    const folder = built.find((one) => one.app === "console")?.folder;
    files.configure(folder === undefined ? [] : [{ path: "/", folder }]);
    const answer = await files.serve({
      method: request.method,
      path,
      acceptEncoding: request.headers["accept-encoding"] ?? "",
      ifNoneMatch: request.headers["if-none-match"],
    });
    for (let i = 0; i + 1 < answer.headers.length; i += 2) {
      void reply.header(answer.headers[i] ?? "", answer.headers[i + 1] ?? "");
    }
    return reply.code(answer.status).send(answer.body);
  });
}
