/** Our gateway with one service of one instance, as control would configure it. */
import { join } from "node:path";
import { startGateway } from "@tideway/gateway";

const [listen, upstream, home] = process.argv.slice(2);
const folder = home ?? "";
const gateway = await startGateway({
  publicListen: `tcp:127.0.0.1:${listen}`,
  internalListen: "tcp:127.0.0.1:0",
  publicUrl: `http://127.0.0.1:${listen}`,
  adminSocket: join(folder, "gateway.sock"),
  configFile: join(folder, "config.json"),
  accessLog: join(folder, "access.log"),
});
await gateway.configure({
  epoch: 1,
  apps: [],
  tokens: { service: "identity", path: "/keys", issuer: "bench" },
  services: [
    {
      name: "shop",
      enforcesGrants: false,
      split: { stable: "shop-1", candidate: null, weight: 0, rollout: null },
      revisions: [
        {
          id: "shop-1",
          calls: [],
          grants: [],
          routes: [
            {
              name: "list",
              method: "GET",
              path: "/shelves",
              auth: "public",
              exposure: "public",
              idempotent: false,
              deadlineMs: 10_000,
              bodyBytesMax: 1_024,
            },
          ],
          endpoints: [
            {
              instance: "ins_bench",
              url: `http://127.0.0.1:${upstream}`,
              authHash: "00".repeat(32),
              assertionKey: "11".repeat(32),
            },
          ],
        },
      ],
    },
  ],
});
