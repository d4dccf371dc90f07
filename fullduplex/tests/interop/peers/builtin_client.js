// The WebSocket client that Node itself has: the browser's object, outside of a browser.
//
//     node --experimental-websocket builtin_client.js ws://127.0.0.1:8181/ '["subprotocol"]'

import { content, obey, tell } from "./conversation.js";

const [address, subprotocols = "[]"] = process.argv.slice(2);
const ws = new WebSocket(address, JSON.parse(subprotocols));

ws.binaryType = "arraybuffer";
ws.onopen = () => tell("open", { protocol: ws.protocol, extensions: ws.extensions });
ws.onmessage = ({ data }) => tell("message", content(data, typeof data !== "string"));
ws.onerror = () => tell("error");
ws.onclose = ({ code, reason }) => tell("close", { code, reason });
obey(() => ws);
