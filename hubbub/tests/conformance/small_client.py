"""The smallest client that keeps the rules, and how it may break each: for the scripts to be tried on."""

from __future__ import annotations

import asyncio
import secrets

from fullduplex import ConnectionClosed, connect
from hubbub import wire

FLAWS = {
    "apply-beyond-gaps": "R4",
    "apply-twice": "R4",
    "ignore-heads": "R4",
    "ignore-gap-frames": "R4",
    "mute": "R4",
    "keep-after-reset": "R5",
    "new-nonce": "R2",
    "overtake": "R2",
    "repeat-for-ever": "R2",
    "choke": "R10",
    "stay-away": "closing",
    "come-anyway": "closing",
}


class SmallClient:
    """Keeps up with one room; at most one message of its own is under way."""

    def __init__(self, flaw: str = "") -> None:
        self._flaw = flaw
        self._at: wire.At | None = None
        self._texts: dict[int, str] = {}
        self._outbox: list[wire.Send] = []
        self._sub: wire.Sub | None = None
        self._is_live = False
        self._ids = iter(range(1, 10_000))
        self._changed = asyncio.Event()

    async def start(self, address: str, token: str, room: str) -> None:
        """Begin to keep up."""
        self._address, self._token, self._room = address, token, room
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Be gone."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def send(self, text: str) -> None:
        """Put a message into the outbox."""
        nonce = secrets.token_urlsafe(12)
        self._outbox.append(wire.Send(next(self._ids), self._room, nonce, wire.Draft(text)))
        if self._is_live and len(self._outbox) == 1:
            self._send_first()

    async def wait_texts(self, texts: list[str]) -> None:
        """Wait until these are the room's texts."""
        while [self._texts[q] for q in sorted(self._texts)] != texts:
            self._changed.clear()
            await self._changed.wait()

    async def _run(self) -> None:
        retry = "resume"
        while retry == "resume":
            async with connect(
                self._address, subprotocols=[wire.SUBPROTOCOL], proxy=None, close_timeout=0.1
            ) as self._connection:
                retry = await self._converse()
            self._is_live = False
            if self._flaw in {"stay-away", "come-anyway"}:
                retry = {"stay-away": "never", "come-anyway": "resume"}[self._flaw]

    async def _converse(self) -> str:
        bye = None
        at = {} if self._at is None else {self._room: self._at}
        self._say(wire.Hello(wire.Client("small", "1"), at=at, token=self._token))
        try:
            while True:
                text = await self._connection.recv()
                said = wire.decode_reply(text)
                if said is None and self._flaw == "choke":
                    return "never"
                if isinstance(said, wire.Bye):
                    bye = said.retry
                self._hear(said)
        except ConnectionClosed as closed:
            return bye or wire.retry_after(closed.rcvd and closed.rcvd.code)

    def _say(self, request: wire.Request) -> None:
        self._connection.send_nowait(wire.encode(request).text)

    def _ask(self) -> None:
        self._sub = wire.Sub(next(self._ids), self._room, self._at)
        self._say(self._sub)

    def _hear(self, said: wire.Said | None) -> None:
        match said:
            case wire.Welcome():
                self._say(wire.Sub(next(self._ids), wire.ME))
                self._ask()
            case wire.Answered() if self._sub is not None and said.id == self._sub.id:
                self._take(wire.decode_answer(self._sub, said))
            case wire.Answered() if self._outbox and said.id == self._outbox[0].id:
                del self._outbox[0]
                self._send_first()
            case wire.Err(id=request, retry=retry, after=after) if self._outbox:
                self._refused(request, (after or 0) / 1000, retry=retry)
            case wire.Event(s=self._room):
                self._apply(said)
            case wire.Ping():
                if self._flaw != "mute":
                    self._say(wire.Pong())
                if said.heads.get(self._room, 0) > self._at[1] and self._flaw != "ignore-heads":
                    self._ask()
            case wire.Gap() if self._flaw != "ignore-gap-frames":
                self._ask()

    def _take(self, answer: wire.DeltaOk | wire.RoomResetOk) -> None:
        if isinstance(answer, wire.DeltaOk):
            for event in answer.ev:
                self._apply(event)
        else:
            if self._flaw != "keep-after-reset":
                self._texts.clear()
            self._at = (answer.epoch, answer.head)
            for message in answer.snap.msgs:
                self._texts.setdefault(message.q, message.text)
        self._is_live = True
        self._changed.set()
        if self._flaw == "new-nonce":
            for send in self._outbox:
                send.n = secrets.token_urlsafe(12)
        self._send_first()

    def _apply(self, event: wire.Event) -> None:
        epoch, last = self._at
        if event.q <= last and self._flaw != "apply-twice":
            return
        if event.q > last + 1 and self._flaw != "apply-beyond-gaps":
            self._ask()
            return
        self._at = (epoch, event.q)
        body = wire.body_of(event)
        if body is not None:
            q = event.q if event.q not in self._texts else max(self._texts) + 1
            self._texts[q] = body.text
        self._changed.set()

    def _send_first(self) -> None:
        if self._outbox:
            self._say(self._outbox[0])

    def _refused(self, request: int | None, after: float, *, retry: bool) -> None:
        if self._flaw == "overtake":
            self._outbox.append(self._outbox.pop(0))
        if retry or self._flaw == "repeat-for-ever":
            asyncio.get_running_loop().call_later(after, self._send_first)
        else:
            self._outbox = [send for send in self._outbox if send.id != request]
            self._send_first()
