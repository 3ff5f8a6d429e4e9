/** What the environment says of NATS, checked before anything connects. */
import { busErrors } from "../errors.ts";
import type { NatsCarrierOptions } from "./nats-carrier.ts";

export type NatsSettings = Pick<
  NatsCarrierOptions,
  "servers" | "replicas" | "hasSeparatePower" | "monitorUrl"
>;

/** JetStream's own limit. */
const REPLICAS_MAX = 5;

/** Null without `TIDEWAY_NATS_URL`: the log is in our own database. Throws BUS_SETTING_INVALID. */
export function readNatsSettings(
  environment: Readonly<Record<string, string | undefined>>,
): NatsSettings | null {
  const value = (name: string): string => environment[name] ?? "";
  const servers = value("TIDEWAY_NATS_URL");
  if (servers === "") return null;
  const replicas = value("TIDEWAY_NATS_REPLICAS");
  const power = value("TIDEWAY_NATS_SEPARATE_POWER");
  const monitorUrl = value("TIDEWAY_NATS_MONITOR_URL");
  if (!/^[1-9]?$/.test(replicas) || Number(replicas) > REPLICAS_MAX) {
    throw invalid("TIDEWAY_NATS_REPLICAS", replicas, `a whole number from 1 to ${REPLICAS_MAX}`);
  }
  if (!["", "0", "1"].includes(power)) {
    throw invalid("TIDEWAY_NATS_SEPARATE_POWER", power, "0 or 1");
  }
  if (monitorUrl !== "" && !isHttp(monitorUrl)) {
    throw invalid("TIDEWAY_NATS_MONITOR_URL", monitorUrl, "an address http://HOST:PORT");
  }
  return {
    servers,
    hasSeparatePower: power === "1",
    ...(replicas === "" ? {} : { replicas: Number(replicas) }),
    ...(monitorUrl === "" ? {} : { monitorUrl: new URL(monitorUrl).origin }),
  };
}

function isHttp(text: string): boolean {
  return ["http:", "https:"].includes(URL.parse(text)?.protocol ?? "");
}

function invalid(name: string, value: string, expected: string): Error {
  return busErrors.error("BUS_SETTING_INVALID", { given: { name, value, expected } });
}
