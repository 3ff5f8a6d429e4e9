import { cliErrors } from "../errors.ts";
import { socketOverflow } from "../home.ts";
import type { Check } from "./check.ts";

/** A deep home gets its sockets below the temporary folder, unless that is too deep as well. */
export const socketCheck: Check = {
  name: "socket path",
  blocking: true,
  run: ({ home }) => {
    const given = socketOverflow(home);
    if (given !== null) return [{ error: cliErrors.error("SOCKET_PATH_TOO_LONG", { given }) }];
    return `${Buffer.byteLength(home.databaseSocket)} bytes`;
  },
};
