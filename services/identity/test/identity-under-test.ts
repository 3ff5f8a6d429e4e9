/** A real identity on a real database, with a clock that the test moves. */
import { fileURLToPath } from "node:url";
import type { identityApi } from "@tideway/api-identity";
import { fakeClock } from "@tideway/kernel";
import type { FakeClock } from "@tideway/kernel";
import { testDatabase, testService } from "@tideway/testkit";
import type { TestDatabase, TestService } from "@tideway/testkit";
import declaration from "../service.ts";
import { buildIdentity } from "../src/build.ts";

export type Identity = TestService<typeof identityApi>;

export interface StartOptions {
  readonly database: TestDatabase;
  readonly clock?: FakeClock;
  readonly profile?: "demo" | "production";
  /** scrypt's cost N. */
  readonly cost?: number;
}

export function identityDatabase(): Promise<TestDatabase> {
  const migrations = fileURLToPath(new URL("../migrations", import.meta.url));
  return testDatabase({ service: "identity", migrations });
}

export function startIdentity(options: StartOptions): Promise<Identity> {
  return testService({
    declaration,
    databaseUrl: options.database.url,
    clock: options.clock ?? fakeClock(),
    profile: options.profile ?? "demo",
    build: (parts) =>
      buildIdentity(parts, { TIDEWAY_IDENTITY_SCRYPT_N: String(options.cost ?? 1_024) }),
  });
}

export const PASSWORD = "a long enough one";

let made = 0;
/** An address nobody has used in this run. */
export function freshEmail(): string {
  return `person-${process.pid}-${++made}@tideway.example`;
}
