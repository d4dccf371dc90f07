"""Who waits for which answer."""

from __future__ import annotations

import asyncio

import pytest

from hubbub import wire
from hubbub.client import RequestRefused, SessionEnded
from hubbub.client.answers import Answers
from hubbub.client.news import Answered, Lost, Refused, Stored

OK = wire.SendOk(1, 7, 7)
NO = wire.Err("muted", "You are muted.", retry=False)


async def test_write_gets_its_answer() -> None:
    """What becomes of a write is given to who began it, once; of others' writes nobody waits to hear."""
    answers = Answers()
    one, two = answers.expect_write("nonce-one"), answers.expect_write("nonce-two")
    assert answers.give(Stored("nonce-one", OK))
    assert answers.give(Refused("nonce-two", NO))
    assert not answers.give(Stored("nonce-one", OK))
    assert not answers.give(Lost(1.0))

    assert await one is OK
    with pytest.raises(RequestRefused, match="muted"):
        await two


async def test_question_gets_its_answer() -> None:
    """The answer is given to who asked, by its number, and to nobody who has left."""
    answers = Answers()
    with answers.expect(3) as future:
        assert answers.give(Answered(4, OK))
        assert not future.done()
        answers.give(Answered(3, OK))
        assert await future is OK

    assert answers.give(Answered(3, OK))


async def test_cancelled_question_is_left() -> None:
    """Who no longer waits isn't answered, and harms nobody."""
    answers = Answers()
    with answers.expect(3) as future:
        future.cancel()
        answers.give(Answered(3, NO))

    with pytest.raises(asyncio.CancelledError):
        await future


async def test_end_is_told_to_all() -> None:
    """When there will be no answers, everybody learns so, also those who look later or never."""
    answers = Answers()
    written, left = answers.expect_write("nonce-one"), answers.expect_write("nonce-two")
    left.cancel()
    with answers.expect(1) as asked:
        answers.fail(SessionEnded("never", 4401, "gone"))
        for future in (written, asked):
            with pytest.raises(SessionEnded, match="gone"):
                await future

    assert not answers.give(Stored("nonce-one", OK))
