// npm's ws as a client: connects, tells what comes, and does what the test commands.
//
//     node client.js ws://127.0.0.1:8181/ '["subprotocol"]' '{"perMessageDeflate": true}'

import WebSocket from "ws";
import { obey, report, tell } from "./conversation.js";

const [address, subprotocols = "[]", options = "{}"] = process.argv.slice(2);
const ws = new WebSocket(address, JSON.parse(subprotocols), JSON.parse(options));
let headers;

report(ws);
ws.on("upgrade", (response) => { ({ headers } = response); });
ws.on("open", () => tell("open", { protocol: ws.protocol, extensions: ws.extensions, headers }));
ws.on("unexpected-response", (request, response) => tell("refused", { status: response.statusCode }));
obey(() => ws);
