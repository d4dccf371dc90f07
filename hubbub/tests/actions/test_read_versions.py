"""Reading what a message has said."""

from __future__ import annotations

from hubbub.actions import read_versions as module
from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.read_versions import read_versions


async def test_versions_are_in_order(database, people, room, say, monkeypatch) -> None:
    """All texts of a message can be read by members, the oldest first; of very many, the last."""
    q = await say("member", "one")
    await say("member", "another")
    for number, text in enumerate(("two", "three")):
        await edit_message(database, people["member"], room, f"nonce-{number:02}", q, text)

    versions, more = await read_versions(database, people["owner"], room, q)
    monkeypatch.setattr(module, "VERSIONS", 2)
    last = await read_versions(database, people["owner"], room, q)

    assert ([version.text for version in versions], more) == (["one", "two", "three"], False)
    assert [version.q for version in versions] == [q, q + 2, q + 3]
    assert last == (versions[1:], True)


async def test_deleted_message_has_none(database, people, room, say) -> None:
    """Nothing of what a deleted message said can be read."""
    q = await say("member", "one")
    await edit_message(database, people["member"], room, "nonce-01", q, "two")
    await delete_message(database, people["member"], room, "nonce-02", q)

    assert await read_versions(database, people["owner"], room, q) == ([], False)


async def test_strange_message_is_not_found(database, people, room, say, code_of) -> None:
    """What isn't there, or isn't a message, is all the same; strangers have to join first."""
    q = await say("member")

    assert await code_of(read_versions(database, people["stranger"], room, q)) == "not_member"
    for number in (1, q + 1):
        assert await code_of(read_versions(database, people["owner"], room, number)) == "not_found"
