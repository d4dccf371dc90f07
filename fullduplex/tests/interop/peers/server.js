// npm's ws as a server: echoes, and does what the test commands to the last connection.
// Nobody gets in at /forbidden.  `certificate` names a file that has one and its key.
//
//     node server.js '{"perMessageDeflate": true}' '["subprotocol"]' [certificate]

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { WebSocketServer } from "ws";
import { obey, report, tell } from "./conversation.js";

const [options = "{}", subprotocols = "[]", certificate] = process.argv.slice(2);
const pem = certificate && readFileSync(certificate);
const listener = pem ? https.createServer({ cert: pem, key: pem }) : http.createServer();
const known = JSON.parse(subprotocols);
const server = new WebSocketServer({
  server: listener,
  handleProtocols: (offered) => known.find((subprotocol) => offered.has(subprotocol)) ?? false,
  verifyClient: ({ req }, done) => done(req.url !== "/forbidden", 401),
  ...JSON.parse(options),
});
let last;

server.on("connection", (ws, request) => {
  last = ws;
  report(ws);
  ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
  tell("connection", { path: request.url, headers: request.headers, protocol: ws.protocol });
});
listener.listen(0, "127.0.0.1", () => tell("listening", { port: listener.address().port }));
obey(() => last);
