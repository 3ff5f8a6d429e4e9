import { Client } from "pg";

const CONNECT_MS = 2_000;

/** Whether a server takes connections at this address with these credentials. Never rejects. */
export async function isAnswering(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
  client.on("error", () => {
    // Told by connect() below.
  });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {
      // It never connected.
    });
  }
}
