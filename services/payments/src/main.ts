import { runService } from "@tideway/http";
import declaration from "../service.ts";
import { buildPayments } from "./build.ts";

await runService({ declaration, build: (parts) => buildPayments(parts) });
