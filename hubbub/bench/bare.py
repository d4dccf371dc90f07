"""What is left of a server of `hubbub.v1` without a chat: the raw limit that the chat is compared with.

The library's event face, and dictionaries in memory.  It lets everyone in, believes everything, stores
nothing, answers each write by `ok`, and sends each message to whoever is subscribed to its room.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, defaultdict
from typing import Any

import msgspec
from town import EPOCH

from fullduplex import WebSocketServer, broadcast
from hubbub import wire


class Bare:
    """Rooms: who hears them, and how much was said there."""

    def __init__(self) -> None:
        self.heads: Counter[str] = Counter()
        self.hearers: defaultdict[str, list[Any]] = defaultdict(list)

    def take(self, ws: Any, request: wire.Request) -> None:
        """Do what a frame asks for."""
        match request:
            case wire.Hello():
                ws.send('{"t":"welcome"}')
            case wire.Sub():
                self.hearers[request.s].append(ws)
                head = self.heads[request.s]
                ws.send(wire.encode(wire.DeltaOk(request.id, EPOCH, head, [], {})).text)
            case wire.Send():
                self.post(ws, request)

    def post(self, ws: Any, request: wire.Send) -> None:
        """Answer a message, and send it to everyone."""
        room = request.s
        self.heads[room] += 1
        body = msgspec.Raw(msgspec.json.encode({"n": request.n, "text": request.d.text}))
        event = wire.Event(room, self.heads[room], "msg.new", EPOCH, "u_0", body)
        ws.send(wire.encode(wire.SendOk(request.id, self.heads[room], EPOCH)).text)
        broadcast(self.hearers[room], wire.encode(event).text)


async def main() -> None:
    """Serve until ended."""
    bare = Bare()
    server = WebSocketServer(
        host="127.0.0.1",
        port=0,
        backlog=1024,
        perMessageDeflate=False,
        ping_interval=None,
        handleProtocols=lambda offered, request: wire.SUBPROTOCOL,
    )

    @server.on("connection")
    def connected(ws: Any, request: Any) -> None:
        def received(data: str, is_binary: bool) -> None:
            for frame in wire.split(data):
                bare.take(ws, wire.decode(frame))

        ws.on("message", received)

    await server.wait_listening()
    gc.freeze()
    print(f"Open http://127.0.0.1:{server.address()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
