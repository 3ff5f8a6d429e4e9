/** Runs once before all unit tests. Files ask for a database of their own with `testDatabase`. */
import { startTestServer } from "./postgres-server.ts";

export default async function setup(): Promise<() => Promise<void>> {
  if (process.env["TIDEWAY_TEST_POSTGRES_URL"]) return async () => {};
  const server = await startTestServer();
  process.env["TIDEWAY_TEST_POSTGRES_URL"] = server.url;
  return () => server.stop();
}
