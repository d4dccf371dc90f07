// How a Python test talks with a program of Node or Bun: events come out as lines of JSON, commands go in the same
// way.  It knows nothing of who listens and who connects.

import { createInterface } from "node:readline";
import { encode, verbs } from "./standard.js";

export function tell(event, details = {}) {
  process.stdout.write(JSON.stringify({ event, ...details }) + "\n");
}

export function content(data, isBinary) {
  return isBinary ? { binary: encode(data) } : { text: data.toString() };
}

// Tell everything that happens to one of ws's connections.
export function report(ws) {
  ws.on("message", (data, isBinary) => tell("message", content(data, isBinary)));
  ws.on("ping", (data) => tell("ping", content(data, false)));
  ws.on("pong", (data) => tell("pong", content(data, false)));
  ws.on("close", (code, reason) => tell("close", { code, reason: reason.toString() }));
  ws.on("error", (error) => tell("error", { message: error.message }));
}

// Do what the test commands, to the connection that is current; end when the test does.
export function obey(current) {
  const commands = createInterface({ input: process.stdin });
  commands.on("line", (line) => {
    const [verb, ...details] = JSON.parse(line);
    verbs[verb](current(), details, tell);
  });
  commands.on("close", () => process.exit());
}
