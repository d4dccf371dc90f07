// Bun's own server; its task is that of common.py, and so is what it says.

import { readFileSync } from "node:fs";

const { does = "echo", deflate = false, certificate } = JSON.parse(process.argv[2]);
const pem = certificate && readFileSync(certificate, "utf8");

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  tls: pem ? { cert: pem, key: pem } : undefined,
  fetch(request, server) {
    if (!server.upgrade(request)) return new Response("no WebSocket", { status: 400 });
  },
  websocket: {
    // Named by the memory that it takes: "32KB" has a window of 12 bits, and memory level 5.
    perMessageDeflate: deflate ? { compress: "32KB", decompress: "32KB" } : false,
    maxPayloadLength: 16 * 2 ** 20,
    backpressureLimit: 64 * 2 ** 20,
    idleTimeout: 0,
    sendPings: false,
    open(ws) {
      if (does === "broadcast") ws.subscribe("all");
    },
    message(ws, message) {
      if (does === "broadcast") server.publish("all", message, deflate);
      else ws.send(message, deflate);
    },
  },
});
console.log(`ready ${server.port}`);
