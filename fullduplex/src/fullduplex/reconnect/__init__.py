"""Connections that come back by themselves: the policy, its states, and what it judges by.

``Reconnect`` is what ``reconnect=`` takes in ``fullduplex.connect`` and in the
browser's ``WebSocket``; True stands for ``Reconnect()``.
"""

from .policy import (
    Connected,
    Connecting,
    Reconnect,
    ReconnectState,
    Stopped,
    Waiting,
    backoff,
    process_close,
    process_exception,
)

__all__ = [
    "Connected",
    "Connecting",
    "Reconnect",
    "ReconnectState",
    "Stopped",
    "Waiting",
    "backoff",
    "process_close",
    "process_exception",
]
