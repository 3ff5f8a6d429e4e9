import { runService } from "@tideway/http";
import declaration from "../service.ts";
import { buildLedger } from "./build.ts";

await runService({ declaration, build: buildLedger });
