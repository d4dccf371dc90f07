"""What was done, as it is kept."""

from __future__ import annotations

from sqlalchemy import select

from hubbub.domain.models import Deed
from hubbub.storage import audit, tables


async def test_deeds_are_numbered(connection) -> None:
    """Each has a number, in their order; what is old is forgotten."""
    for ts, verb in enumerate(("user.disable", "user.enable", "settings.change")):
        await audit.add(connection, None, Deed(verb, "user", "u_ann", detail={"why": "茶"}), ts)
    await audit.forget_before(connection, 1)

    rows = (await connection.execute(select(tables.audit).order_by(tables.audit.c.id))).all()
    assert [(row.verb, row.ts, row.actor, row.detail) for row in rows] == [
        ("user.enable", 1, None, '{"why":"茶"}'),
        ("settings.change", 2, None, '{"why":"茶"}'),
    ]
    assert rows[0].id < rows[1].id
