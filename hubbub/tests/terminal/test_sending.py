"""What becomes of what is written."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hubbub import wire
from hubbub.client import Client, OutboxUnusable, RequestRefused, SessionEnded
from hubbub.domain.models import LOBBY
from hubbub.terminal.sending import Sender

from .conftest import Enter

ENDED = SessionEnded("resume", None, "The end.")


class Bench:
    """A sender, and what it tells; what `client` is asked for, ends by `error`, if there is one."""

    def __init__(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None
    ) -> None:
        self.changes = 0
        self.complaints: list[str] = []
        self.sender = Sender(client, self._change, self.complaints.append)
        self.client = client
        if error is not None:

            async def fail(*_: Any, **__: Any) -> Any:
                raise error

            for name in ("send", "call", "edit"):
                monkeypatch.setattr(client, name, fail)

    def _change(self) -> None:
        self.changes += 1

    async def settle(self) -> None:
        """Wait until everything is done."""
        await asyncio.gather(*self.sender._tasks)

    @property
    def states(self) -> list[tuple[str, str | None]]:
        """What isn't in its room, and why."""
        return [(draft.text, draft.refused) for draft in self.sender.outgoing.of(LOBBY)]


async def test_message_is_sent(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is there at once, and until its room shows it."""
    bench = Bench(await enter("Me"), monkeypatch)
    first = (await bench.client.send(LOBBY, "zero")).q
    bench.sender.send(LOBBY, "one")
    bench.sender.send(LOBBY, "two", first)
    assert bench.states == [("one", None), ("two", None)]
    await bench.settle()

    assert bench.changes == 4
    bench.sender.outgoing.reached(LOBBY, 99)
    assert bench.states == []


@pytest.mark.parametrize(
    "error, code",
    [
        (RequestRefused(wire.Err("muted", "", retry=False)), "muted"),
        (OutboxUnusable("full"), "outbox"),
        (ENDED, None),
    ],
)
async def test_refusals_are_told(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str | None
) -> None:
    """What isn't done is told: of a message at the message, of everything else in a sentence."""
    bench = Bench(await enter("Me"), monkeypatch, error)
    bench.sender.send(LOBBY, "one")
    given_back: list[bool] = []
    bench.sender.do(bench.client.edit(LOBBY, 1, "two"), lambda: given_back.append(True))
    await bench.settle()

    assert await bench.sender.call(wire.ListRooms()) is None
    assert bench.states == [("one", code)]
    assert bench.complaints == ([code, code] if code else [])
    assert given_back == ([True] if code else [])


async def test_refused_message_is_retried(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused is sent again under another nonce; what is on its way isn't."""
    with monkeypatch.context() as patch:
        me = await enter("Me")
        zero = (await me.send(LOBBY, "zero")).q
        bench = Bench(me, patch, RequestRefused(wire.Err("muted", "", retry=False)))
        bench.sender.send(LOBBY, "one", zero)
        await bench.settle()
    [first] = bench.sender.outgoing.of(LOBBY)
    bench.sender.retry(first.nonce)
    [second] = bench.sender.outgoing.of(LOBBY)
    bench.sender.retry(second.nonce)
    await bench.settle()

    assert (second.text, second.refused, second.re) == ("one", None, zero)
    assert second.nonce != first.nonce
    assert bench.states == [("one", None)]
    assert isinstance(await bench.sender.call(wire.ListRooms()), wire.RoomsResult)
