// The WebSocket that Node and Bun themselves have: the browser's object, outside of a browser.
//
//     node --experimental-websocket builtin_client.js ws://127.0.0.1:8181/ '["subprotocol"]'

import { obey, tell } from "./conversation.js";
import { converse } from "./standard.js";

// Node and Bun take an object, too: {"protocols": ["subprotocol"], "headers": {"name": "value"}}.
const [address, settings = "[]"] = process.argv.slice(2);
const ws = converse(tell, address, JSON.parse(settings));

obey(() => ws);
