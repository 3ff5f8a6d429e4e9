/** The admin api for commands: the running control's address and the local operator's token. */
import { join } from "node:path";
import { ADMIN_BASE_PATH, adminApi } from "@tideway/api-admin";
import { createClient, isClientError } from "@tideway/client";
import type { ClientOf } from "@tideway/client";
import { CodedError } from "@tideway/kernel";
import { existsSync, readFileSync } from "node:fs";
import type { CommandContext } from "../command.ts";
import { homeOf, readSecret } from "../home.ts";
import type { Home } from "../home.ts";
import { optionsFileOf } from "../supervisor-client.ts";
import { releaseErrors } from "./errors.ts";

export type Admin = ClientOf<typeof adminApi>;

export interface Addresses {
  readonly publicUrl: string;
  readonly operatorsUrl: string;
}

type Place = Pick<CommandContext, "checkout" | "env" | "homeFolder">;

/** A client that acts as the local operator. Throws NOT_RUNNING. */
export function connectAdmin(place: Place): Admin {
  const home = homeOf(place);
  const { operatorsUrl } = addressesOf(home);
  const token = readSecret(join(home.secrets, "operator.token"));
  return asCoded(
    createClient(adminApi, {
      baseUrl: operatorsUrl + ADMIN_BASE_PATH,
      token: () => token,
    }),
    home,
  );
}

/** Where the running installation answers. Throws NOT_RUNNING when it was never started. */
export function addressesOf(home: Home): Addresses {
  const file = optionsFileOf(home);
  if (!existsSync(file)) throw notRunning(home);
  const options: unknown = JSON.parse(readFileSync(file, "utf8"));
  const processes: unknown = Reflect.get(Object(options), "processes");
  const control: unknown = Array.isArray(processes)
    ? processes.find((one: unknown) => Reflect.get(Object(one), "name") === "control")
    : null;
  const env: unknown = Reflect.get(Object(control), "env");
  const publicUrl: unknown = Reflect.get(Object(env), "TIDEWAY_PUBLIC_URL");
  const operatorsUrl: unknown = Reflect.get(Object(env), "TIDEWAY_OPERATORS_URL");
  if (typeof publicUrl !== "string" || typeof operatorsUrl !== "string") throw notRunning(home);
  return { publicUrl, operatorsUrl };
}

/** Errors of control become errors of the command line, with what to do next. */
function asCoded(client: Admin, home: Home): Admin {
  const calls: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(client)) {
    // Every member of a client is such a function.
    const ask = call as (options?: unknown) => Promise<unknown>;
    calls[name] = async (options?: unknown) => {
      try {
        return await ask(options);
      } catch (error) {
        throw codedFrom(error, home);
      }
    };
  }
  // The loop made a function for each of the client's own.
  return calls as Admin;
}

function codedFrom(error: unknown, home: Home): unknown {
  if (!isClientError(error)) return error;
  if (error.status === 0) return notRunning(home, error);
  const { status, retryable, title, action } = error;
  return new CodedError(error.code, { status, retryable, title, action }, { cause: error });
}

function notRunning(home: Home, cause?: unknown): Error {
  return releaseErrors.error("NOT_RUNNING", { given: { home: home.folder }, cause });
}
