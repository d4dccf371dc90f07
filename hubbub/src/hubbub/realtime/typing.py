"""How often others are told that someone types."""

from __future__ import annotations

import asyncio

from hubbub import wire
from hubbub.realtime.caller import Caller
from hubbub.realtime.presence import Presence
from hubbub.realtime.turnstile import Turnstile


class Typist:
    """What one connection says of its user's typing."""

    __slots__ = ("_caller", "_loop", "_presence", "_turnstile", "_typed_at", "_typing")

    def __init__(self, caller: Caller, presence: Presence, turnstile: Turnstile) -> None:
        self._caller = caller
        self._turnstile = turnstile
        self._presence = presence
        self._loop = asyncio.get_running_loop()
        self._typed_at: dict[str, float] = {}
        self._typing: set[str] = set()

    def type(self, request: wire.Typing) -> None:
        """Pass it on, unless the room knows, or heard of it just now, or the user isn't there.

        What one user says of too many rooms at once is left out as well.

        Raises:
            ChatError: `not_found`, for what is no room's name.
        """
        stream = self._caller.stream(request.s)
        if not self._presence.is_in(stream, self._caller.outbound):
            self._typing.discard(stream)
        elif self._is_news(stream, on=request.on) and not self._turnstile.count_typing(self._caller.user.id):
            self._presence.tell_typing(stream, self._caller.outbound, on=request.on)

    def _is_news(self, stream: str, *, on: bool) -> bool:
        if not on:
            was_typing = stream in self._typing
            self._typing.discard(stream)
            return was_typing
        now = self._loop.time()
        if now - self._typed_at.get(stream, -wire.TYPING_INTERVAL) < wire.TYPING_INTERVAL:
            return False
        self._typed_at[stream] = now
        self._typing.add(stream)
        return True
