/** The peer everybody has at hand: node:http with a keep-alive agent and no feature at all. */
import { Agent, createServer, request } from "node:http";

const [listen, upstream] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

createServer((incoming, reply) => {
  const { method, url: path, headers } = incoming;
  const onward = request(
    { host: "127.0.0.1", port: upstream, method, path, headers, agent },
    (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    },
  );
  onward.on("error", () => reply.writeHead(502).end());
  incoming.pipe(onward);
}).listen(listen, "127.0.0.1");
