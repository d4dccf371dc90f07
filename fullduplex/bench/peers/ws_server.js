// npm's ws; its task is that of common.py, and so is what it says.

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { WebSocket, WebSocketServer } from "ws";

const { does = "echo", deflate = false, certificate } = JSON.parse(process.argv[2]);
const pem = certificate && readFileSync(certificate);
const listener = pem ? https.createServer({ cert: pem, key: pem }) : http.createServer();
const server = new WebSocketServer({
  server: listener,
  maxPayload: 16 * 2 ** 20,
  // From 32 bytes on, as fullduplex does it.
  perMessageDeflate: deflate && {
    serverMaxWindowBits: 12,
    clientMaxWindowBits: 12,
    zlibDeflateOptions: { memLevel: 5 },
    threshold: 32,
  },
});

server.on("connection", (ws) => {
  if (does === "echo") {
    ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
  } else {
    ws.on("message", (data, isBinary) => {
      for (const client of server.clients) {
        if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
      }
    });
  }
});
listener.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => {
  console.log(`ready ${listener.address().port}`);
});
