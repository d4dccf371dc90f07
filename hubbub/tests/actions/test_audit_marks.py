"""Counting anew what waits for people."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from hubbub.actions.audit_marks import audit_marks
from hubbub.domain.models import LOBBY
from hubbub.storage import rooms
from hubbub.storage.tables import memberships


async def test_right_marks_are_no_news(database, people, room, say, caplog) -> None:
    """Where everything is right, nothing is said."""
    await say("owner", f"<@{people['member'].id}>")

    assert await audit_marks(database) == 0
    assert caplog.text == ""


@pytest.mark.parametrize("page", [1, 1000])
async def test_wrong_marks_are_told(database, people, room, say, caplog, monkeypatch, page) -> None:
    """A mark that is wrong is counted, and the log says where, however the rooms are read."""
    monkeypatch.setattr(rooms, "PAGE", page)
    await say("owner")
    break_marks = update(memberships).where(memberships.c.user == people["member"].id).values(mentions=7)
    await database.write(lambda transaction: transaction.connection.execute(break_marks))

    assert await audit_marks(database) == 2
    assert f"1 members of {room} are wrong" in caplog.text
    assert f"1 members of {LOBBY} are wrong" in caplog.text
