"""The bus of a chat that is one process: calls its listeners at once."""

from __future__ import annotations

import logging

from hubbub.bus.base import Listener
from hubbub.domain.events import Notice

log = logging.getLogger(__name__)


class LocalBus:
    """A bus within one process; nothing is lost or late."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, notice: Notice) -> None:
        """Call every listener; one that fails keeps the others from nothing."""
        for listener in self._listeners:
            try:
                listener(notice)
            except Exception:
                log.exception("a listener failed")

    def subscribe(self, listener: Listener) -> None:
        """Call the listener with every notice from now on."""
        self._listeners.append(listener)
