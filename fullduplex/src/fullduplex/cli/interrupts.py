"""Ctrl-C as something to wait for, for commands that end well by it."""

from __future__ import annotations

import asyncio
import contextlib
import signal

__all__ = ["interrupts"]


def interrupts() -> asyncio.Event:
    """Return an event that Ctrl-C, or a request to terminate, sets from now on."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not on Windows, where asyncio.run() turns Ctrl-C into a cancellation.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, interrupted.set)
    return interrupted
