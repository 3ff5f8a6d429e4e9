import { runService } from "@tideway/http";
import declaration from "../service.ts";
import { buildIdentity } from "./build.ts";

await runService({ declaration, build: (parts) => buildIdentity(parts, process.env) });
