// npm's ws as a server: echoes, and does what the test commands to the last connection.
//
//     node server.js '{"perMessageDeflate": true}' ["subprotocol", ...]

import { WebSocketServer } from "ws";
import { obey, report, tell } from "./conversation.js";

const [options = "{}", subprotocols = "[]"] = process.argv.slice(2);
const known = JSON.parse(subprotocols);
const choose = (offered) => known.find((subprotocol) => offered.has(subprotocol)) ?? false;
const settings = { host: "127.0.0.1", port: 0, handleProtocols: choose, ...JSON.parse(options) };
const server = new WebSocketServer(settings);
let last;

server.on("listening", () => tell("listening", { port: server.address().port }));
server.on("connection", (ws, request) => {
  last = ws;
  report(ws);
  ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
  tell("connection", { path: request.url, headers: request.headers, protocol: ws.protocol, extensions: ws.extensions });
});
obey(() => last);
