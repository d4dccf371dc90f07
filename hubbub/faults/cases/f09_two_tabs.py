"""Two tabs of one user send the same outbox, each message under its nonce, at the same moment.

Every message is stored once, both tabs are told the same number, and one of them that it was there before.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.lab import LOBBY, Lab
from hubbub import wire


async def run(lab: Lab, size: Size) -> None:
    """Write everything twice."""
    await lab.start_server()
    first = await lab.admit("first")
    tabs = [first, await lab.admit("second", like=first)]
    nonces = [f"same-{number:06}" for number in range(size.pick(300, 5_000))]
    for some in (nonces[start : start + 20] for start in range(0, len(nonces), 20)):
        writes = [tab.client.send(LOBBY, f"text of {nonce}", nonce=nonce) for nonce in some for tab in tabs]
        await asyncio.gather(*writes)
    for nonce in nonces:
        check_answers(nonce, [tab.answers[nonce] for tab in tabs])
    await lab.settle()
    texts = [f"text of {nonce}" for nonce in nonces]
    for tab in tabs:
        shown = [message.text for message in tab.client.rooms[LOBBY].messages]
        require(shown == texts[-len(shown) :], f"{tab.name} shows other messages than were sent")
    lab.show("nonces", len(nonces))


def check_answers(nonce: str, answers: list[wire.Answer | wire.Result]) -> None:
    """Compare what both tabs were told of one message."""
    stored = [answer for answer in answers if isinstance(answer, wire.SendOk)]
    require(len(stored) == 2, f"{nonce} was answered otherwise")
    require(stored[0].q == stored[1].q, f"{nonce} has two numbers")
    require([each.dup for each in stored].count(True) == 1, f"{nonce} was stored {stored}")
