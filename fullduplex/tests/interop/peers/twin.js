// npm's ws as the twin of our event client: plays the scenes that test_ws_twin.py plays as well, and tells what
// each has shown.
//
//     node twin.js ws://127.0.0.1:8181

import WebSocket from "ws";
import { tell } from "./conversation.js";

const [server] = process.argv.slice(2);
const EVENTS = ["upgrade", "open", "message", "redirect", "error", "close"];

const scenes = {
  "a message comes back": ["/", {}, (ws) => {
    ws.on("open", () => ws.send("hi"));
    ws.on("message", () => ws.close(4000, "enough"));
  }],
  "the server closes": ["/close", {}, () => {}],
  "refused": ["/forbidden", {}, () => {}],
  "refused, and read": ["/forbidden", {}, (ws, show) => {
    ws.on("unexpected-response", (request, response) => {
      show("unexpected-response", response.statusCode);
      ws.terminate();
    });
  }],
  "redirected": ["/redirect", { followRedirects: true }, (ws) => ws.on("open", () => ws.close())],
  "redirected, unasked": ["/redirect", {}, () => {}],
  "redirected too often": ["/loop", { followRedirects: true, maxRedirects: 2 }, () => {}],
  "closed early": ["/", {}, (ws, show) => { ws.close(); show("closed"); }],
  "terminated early": ["/", {}, (ws, show) => { ws.terminate(); show("terminated"); }],
  "closed at upgrade": ["/", {}, (ws, show) => ws.on("upgrade", () => { ws.close(); show("closed"); })],
  "no common subprotocol": ["/", { protocols: ["a"] }, () => {}],
  "sent early": ["/", {}, (ws, show) => {
    for (const method of ["send", "ping", "pong"]) {
      try { ws[method]("early"); } catch { show("refused"); }
    }
    ws.on("open", () => ws.close(1000));
  }],
  "sent late": ["/", {}, (ws, show) => {
    ws.on("open", () => { ws.close(1000); ws.send("late"); ws.ping(); });
    ws.on("close", () => { ws.send("later"); ws.close(); ws.terminate(); show("nothing"); });
  }],
  "terminated": ["/", {}, (ws) => ws.on("open", () => ws.terminate())],
  "too long a message": ["/long", { maxPayload: 10 }, () => {}],
  "paused": ["/", {}, (ws, show) => {
    ws.pause();
    show(ws.isPaused);
    ws.on("open", () => { ws.pause(); show(ws.isPaused); ws.resume(); show(ws.isPaused); ws.close(1000); });
    ws.on("close", () => { ws.pause(); show(ws.isPaused); });
  }],
  "the browser's way": ["/", {}, (ws, show) => {
    ws.onopen = ({ type }) => { show("onopen", type); ws.send("hi"); };
    ws.addEventListener("message", ({ data }) => { show("listener", data); ws.close(1000, "enough"); });
    ws.onclose = ({ code, reason, wasClean }) => show("onclose", code, reason, wasClean);
  }],
};

function play([path, options, act]) {
  return new Promise((done) => {
    const shown = [];
    const ws = new WebSocket(server + path, options);
    const show = (...what) => shown.push([ws.readyState, ...what]);
    for (const event of EVENTS) {
      ws.on(event, (...details) => {
        if (event === "close") show(event, details[0], details[1].toString());
        else if (event === "message") show(event, details[0].toString(), details[1]);
        else if (event === "redirect") show(event, details[0] === ws.url, details[0].replace(server, ""));
        else show(event);
      });
    }
    act(ws, show);
    ws.on("close", () => setImmediate(done, shown));
  });
}

for (const [name, scene] of Object.entries(scenes)) tell("scene", { name, shown: await play(scene) });
tell("end");
