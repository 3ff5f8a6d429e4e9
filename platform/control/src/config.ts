/** What control is told at its start (docs/explain/parts.md). */
import { defineErrors } from "@tideway/kernel";
import { parseListen } from "@tideway/http";
import type { ListenAddress } from "@tideway/http";

export interface ControlConfig {
  readonly home: string;
  /** A superuser's address of the server; control makes every database itself. */
  readonly postgresUrl: string;
  readonly profile: "demo" | "production";
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly operatorsUrl: string;
  readonly listen: ListenAddress;
}

export const controlErrors = defineErrors({
  CONTROL_CONFIGURATION_INVALID: {
    status: 500,
    retryable: false,
    title: "Control cannot start: {problems}.",
    action: "Start it through npx tideway up, which sets all of them.",
  },
  DEMO_OPERATOR_IN_PRODUCTION: {
    status: 500,
    retryable: false,
    title: "The production profile refuses to start with the demo operator.",
    action: "Begin with an empty TIDEWAY_HOME, or remove the operator named demo.",
  },
});

/** Reads `TIDEWAY_*`; throws with every problem at once. */
export function readControlConfig(
  environment: Readonly<Record<string, string | undefined>>,
): ControlConfig {
  const problems: string[] = [];
  const text = (name: string): string => {
    const value = environment[name];
    if (!value) problems.push(`${name} is missing`);
    return value ?? "";
  };
  const listen = parseListen(text("TIDEWAY_OPERATORS_LISTEN"));
  if (listen === null) problems.push("TIDEWAY_OPERATORS_LISTEN is neither fd:N nor tcp:HOST:PORT");
  const profile = environment["TIDEWAY_PROFILE"] ?? "demo";
  if (profile !== "demo" && profile !== "production") {
    problems.push(`TIDEWAY_PROFILE is ${profile}, not demo or production`);
  }
  const config = {
    home: text("TIDEWAY_HOME"),
    postgresUrl: text("TIDEWAY_POSTGRES_URL"),
    profile: profile === "production" ? "production" : "demo",
    publicUrl: text("TIDEWAY_PUBLIC_URL"),
    internalUrl: text("TIDEWAY_INTERNAL_URL"),
    operatorsUrl: text("TIDEWAY_OPERATORS_URL"),
    listen: listen ?? { fd: 3 },
  } as const;
  if (problems.length > 0) {
    throw controlErrors.error("CONTROL_CONFIGURATION_INVALID", {
      given: { problems: problems.join("; ") },
    });
  }
  return config;
}
