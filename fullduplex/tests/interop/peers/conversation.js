// How a Python test talks with a Node program: events come out as lines of JSON, commands go in the same way.
// It knows nothing of who listens and who connects.

import { createInterface } from "node:readline";

export function tell(event, details = {}) {
  process.stdout.write(JSON.stringify({ event, ...details }) + "\n");
}

export function content(data, isBinary) {
  return isBinary ? { binary: Buffer.from(data).toString("base64") } : { text: data.toString() };
}

// Tell everything that happens to one of ws's connections.
export function report(ws) {
  ws.on("message", (data, isBinary) => tell("message", content(data, isBinary)));
  ws.on("ping", (data) => tell("ping", content(data, false)));
  ws.on("pong", (data) => tell("pong", content(data, false)));
  ws.on("close", (code, reason) => tell("close", { code, reason: reason.toString() }));
  ws.on("error", (error) => tell("error", { message: error.message }));
}

const verbs = {
  text: (ws, text, ...options) => ws.send(text, ...options),
  binary: (ws, base64, ...options) => ws.send(Buffer.from(base64, "base64"), ...options),
  ping: (ws, text) => ws.ping(text),
  close: (ws, ...codeAndReason) => ws.close(...codeAndReason),
  terminate: (ws) => ws.terminate(),
};

// Do what the test commands, to the connection that is current; end when the test does.
export function obey(current) {
  const commands = createInterface({ input: process.stdin });
  commands.on("line", (line) => {
    const [verb, ...details] = JSON.parse(line);
    verbs[verb](current(), ...details);
  });
  commands.on("close", () => process.exit());
}
