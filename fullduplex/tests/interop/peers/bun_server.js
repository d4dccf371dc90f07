// Bun's own server: echoes, and does what the test commands to the last connection.
// Nobody gets in at /forbidden.  `certificate` names a file that has one and its key.
//
//     bun bun_server.js '{"perMessageDeflate": true}' '["subprotocol"]' [certificate]

import { readFileSync } from "node:fs";
import { content, obey, tell } from "./conversation.js";

const [options = "{}", subprotocols = "[]", certificate] = process.argv.slice(2);
const pem = certificate && readFileSync(certificate, "utf8");
const known = JSON.parse(subprotocols);
let last;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  tls: pem && { cert: pem, key: pem },
  fetch(request, server) {
    const { pathname, search } = new URL(request.url);
    const path = pathname + search;
    if (path === "/forbidden") return new Response("no", { status: 401 });
    const headers = Object.fromEntries(request.headers);
    const offered = headers["sec-websocket-protocol"]?.split(/, */) ?? [];
    const protocol = known.find((subprotocol) => offered.includes(subprotocol)) ?? "";
    const more = protocol ? { "Sec-WebSocket-Protocol": protocol } : {};
    server.upgrade(request, { headers: more, data: { path, headers, protocol } });
  },
  websocket: {
    open(ws) {
      last = ws;
      tell("connection", ws.data);
    },
    message(ws, data) {
      tell("message", content(data, typeof data !== "string"));
      ws.send(data);
    },
    ping: (ws, data) => tell("ping", content(data, false)),
    pong: (ws, data) => tell("pong", content(data, false)),
    close: (ws, code, reason) => tell("close", { code, reason }),
    ...JSON.parse(options),
  },
});
tell("listening", { port: server.port });
obey(() => last);
