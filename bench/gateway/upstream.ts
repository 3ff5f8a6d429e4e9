/** The smallest upstream: answers every request on a socket with the same 30 bytes of JSON. */
import { createServer } from "node:net";

const BODY = '{"ok":true,"payment":"pay_123"}';
const REPLY = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
);
const END = Buffer.from("\r\n\r\n");

/** Requests have no body here, so a request ends with its head. */
createServer((socket) => {
  socket.setNoDelay(true);
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (data: Buffer) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let end = rest.indexOf(END);
    while (end !== -1) {
      socket.write(REPLY);
      rest = rest.subarray(end + END.length);
      end = rest.indexOf(END);
    }
  });
  socket.on("error", () => socket.destroy());
}).listen(Number(process.argv[2]), "127.0.0.1");
