"""Noting who did what."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from hubbub.actions.audit import note, trim_audit
from hubbub.actions.delete_message import delete_message
from hubbub.actions.give_role import give_role
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.domain.models import Deed, Role
from hubbub.domain.policies import AUDIT_AGE
from hubbub.storage.tables import audit


@pytest.fixture
def read_audit(database):
    """Return what reads all that was noted: who, what, to whom, where, and more."""

    async def read():
        query = select(audit.c.actor, audit.c.verb, audit.c.subject, audit.c.room, audit.c.detail)
        rows = await database.read(lambda connection: connection.execute(query.order_by(audit.c.id)))
        return [(*row[:4], json.loads(row.detail)) for row in rows]

    return read


async def test_keeping_order_is_noted(database, people, room, say, read_audit) -> None:
    """Whatever is done to others in a room is noted: by whom, to whom, and where."""
    owner, member = people["owner"], people["member"]
    q = await say("member", "spam")

    await delete_message(database, owner, room, "nonce-01", q)
    await give_role(database, owner, room, "nonce-02", member.id, Role.MODERATOR)
    await kick(database, owner, room, "nonce-03", member.id)
    await ban(database, owner, room, "nonce-04", member.id)
    await unban(database, owner, room, "nonce-05", member.id)

    deeds = [each for each in await read_audit() if each[2] == member.id]
    assert deeds == [
        (owner.id, "msg.del", member.id, room, {"q": q}),
        (owner.id, "member.role", member.id, room, {"role": "moderator"}),
        (owner.id, "member.kick", member.id, room, {}),
        (owner.id, "member.ban", member.id, room, {}),
        (owner.id, "member.unban", member.id, room, {}),
    ]


async def test_what_is_not_done_is_not_noted(database, people, room, say, code_of, read_audit) -> None:
    """A refusal, a repetition, and what one does to one's own leave no note."""
    before = await read_audit()
    q = await say("member", "oops")
    await delete_message(database, people["member"], room, "nonce-01", q)
    await code_of(kick(database, people["member"], room, "nonce-02", people["owner"].id))
    assert await read_audit() == before
    for _ in range(2):
        await kick(database, people["owner"], room, "nonce-03", people["member"].id)

    assert len(await read_audit()) == len(before) + 1


async def test_old_deeds_are_forgotten(database, wall_clock, people, read_audit) -> None:
    """What was done very long ago is forgotten, and nothing else."""
    for subject in ("old", "new"):
        deed = Deed("user.disable", "user", subject)
        await database.write(lambda transaction, deed=deed: note(transaction, None, deed))
        wall_clock.now += AUDIT_AGE * 1000 if subject == "old" else 1

    await trim_audit(database)

    assert [each[2] for each in await read_audit()] == ["new"]
