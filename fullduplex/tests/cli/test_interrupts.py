"""Ctrl-C as something to wait for."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from fullduplex.cli.interrupts import interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_set_the_event(number: signal.Signals) -> None:
    """Either signal sets it, and does nothing else."""
    interrupted = interrupts()
    assert not interrupted.is_set()
    try:
        os.kill(os.getpid(), number)
        await interrupted.wait()
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(each)
