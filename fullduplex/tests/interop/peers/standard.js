// The browser's object, wherever there is one: tells what happens to its connection, and does what the test commands.
// A page of a browser runs this as well, so that it uses nothing but what those have, and imports nothing.

const CHUNK = 2 ** 16;
// Bytes that wait when nobody takes them, and how many messages to try it with.
const ENOUGH = 2 ** 22;
const MOST = 2 ** 10;
// A call takes no more arguments than so many.
const PIECE = 2 ** 13;

export function encode(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let start = 0; start < bytes.length; start += PIECE) {
    text += String.fromCharCode(...bytes.subarray(start, start + PIECE));
  }
  return btoa(text);
}

function decode(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

const read = ({ text, binary }) => text ?? decode(binary);

// What a test may command, to any of these connections and to ws's and Bun's, as far as they have it.
export const verbs = {
  send: (ws, [message, ...options]) => ws.send(read(message), ...options),
  // One message in several frames, with a ping before the last of them.
  parts: (ws, [pieces, ping]) => pieces.forEach((piece, index) => {
    const fin = index === pieces.length - 1;
    if (fin) ws.ping(ping);
    ws.send(read(piece), { fin });
  }),
  ping: (ws, [text]) => ws.ping(text),
  close: (ws, codeAndReason) => ws.close(...codeAndReason),
  terminate: (ws) => ws.terminate(),
  pause: (ws) => ws.pause(),
  resume: (ws) => ws.resume(),
  // Send until nobody takes it any more.
  flood: async (ws, _, tell) => {
    let count = 0;
    for (; count < MOST && (ws.bufferedAmount ?? ws.getBufferedAmount()) < ENOUGH; count += 1) {
      ws.send(new Uint8Array(CHUNK));
      await new Promise((resolve) => setTimeout(resolve));
    }
    tell("flooded", { count });
  },
};

export function converse(tell, address, ...settings) {
  const ws = new WebSocket(address, ...settings);
  ws.binaryType = "arraybuffer";
  ws.onopen = () => tell("open", { protocol: ws.protocol, extensions: ws.extensions });
  ws.onmessage = ({ data }) =>
    tell("message", typeof data === "string" ? { text: data } : { binary: encode(data) });
  ws.onerror = () => tell("error");
  ws.onclose = ({ code, reason }) => tell("close", { code, reason });
  // Bun's has these as well.
  for (const event of ["ping", "pong"]) {
    ws.addEventListener(event, ({ data }) => tell(event, { text: new TextDecoder().decode(data) }));
  }
  return ws;
}
