"""Has written what was decided, and keeps count of what isn't in its room yet.

Knows what may become of a write; who is told it is told.

Invariants:

1. A message that isn't in its room is among `outgoing`: on its way, or with the reason why it was refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from hubbub import wire
from hubbub.client import Client, OutboxUnusable, RequestRefused, SessionEnded, make_nonce
from hubbub.terminal.outgoing import Draft, Outgoing

NO_OUTBOX = "outbox"
"""The code for what can't be kept here until it is sent; the others are the protocol's."""


class Sender:
    """Sends; `changed` is called when something is to be shown anew, `complain` with a code."""

    def __init__(self, client: Client, changed: Callable[[], None], complain: Callable[[str], None]) -> None:
        self.outgoing = Outgoing()
        self._client = client
        self._changed = changed
        self._complain = complain
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, room: str, text: str, re: int | None = None) -> None:
        """Send a message, which is shown at once."""
        self._begin_sending(Draft(make_nonce(), room, text, re))

    def retry(self, nonce: str) -> None:
        """Send a message that was refused once more, as another one."""
        draft = self.outgoing.give_up(nonce)
        if draft is not None:
            self._begin_sending(replace(draft, nonce=make_nonce(), refused=None))

    def do(self, doing: Awaitable[object], otherwise: Callable[[], None] = lambda: None) -> None:
        """Have a write done that shows by itself; `otherwise` is called if it isn't."""
        self._begin(self._do(doing, otherwise))

    async def call(self, params: wire.Params) -> wire.Result | None:
        """Call a method; return its result, if it is done."""
        try:
            return await self._client.call(params)
        except RequestRefused as error:
            self._complain(error.code)
        except OutboxUnusable:
            self._complain(NO_OUTBOX)
        except SessionEnded:
            # The program is about to end.
            return None
        return None

    def _begin_sending(self, draft: Draft) -> None:
        self.outgoing.add(draft)
        self._begin(self._post(draft))
        self._changed()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, draft: Draft) -> None:
        try:
            stored = await self._client.send(draft.room, draft.text, re=draft.re, nonce=draft.nonce)
            self.outgoing.stored(draft.nonce, stored.q)
        except RequestRefused as error:
            self.outgoing.refused(draft.nonce, error.code)
        except OutboxUnusable:
            self.outgoing.refused(draft.nonce, NO_OUTBOX)
        except SessionEnded:
            return
        self._changed()

    async def _do(self, doing: Awaitable[object], otherwise: Callable[[], None]) -> None:
        try:
            await doing
        except (RequestRefused, OutboxUnusable) as error:
            self._complain(error.code if isinstance(error, RequestRefused) else NO_OUTBOX)
            otherwise()
        except SessionEnded:
            return
        self._changed()
