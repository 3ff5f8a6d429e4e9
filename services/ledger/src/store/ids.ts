/** Ids as the domain spells them, and as PostgreSQL keeps them. */
import { idToUuid, uuidToId } from "@tideway/kernel";

export const accountUuid = (account: string): string => idToUuid("acc", account);
export const accountId = (uuid: string): string => uuidToId("acc", uuid);
export const transferUuid = (transfer: string): string => idToUuid("trf", transfer);
export const transferId = (uuid: string): string => uuidToId("trf", uuid);
