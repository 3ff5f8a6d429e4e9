/** The admin api, on the address that served this page. The session is an HttpOnly cookie. */
import { ADMIN_BASE_PATH, adminApi } from "@tideway/api-admin";
import { createClient } from "@tideway/client";
import type { ReplyOf } from "@tideway/schema";

export const admin = createClient(adminApi, { baseUrl: ADMIN_BASE_PATH });

type Routes = (typeof adminApi)["routes"];
export type Status = ReplyOf<Routes["status"]>;
export type ServiceDetail = ReplyOf<Routes["service"]>;
export type LogLines = ReplyOf<Routes["logs"]>;
export type AuditEntry = ReplyOf<Routes["audit"]>["entries"][number];
export type Operator = ReplyOf<Routes["me"]>;
