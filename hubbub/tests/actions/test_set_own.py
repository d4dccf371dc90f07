"""Keeping something of one's own."""

from __future__ import annotations

import pytest

from hubbub.actions.set_own import set_own
from hubbub.actions.sync_stream import sync_stream
from hubbub.domain import policies


async def test_value_is_kept(database, people, heard, code_of) -> None:
    """Each of one's sessions is told, and who comes anew gets what there is; another has nothing of it."""
    member, other = people["member"], people["owner"]
    heard.clear()

    stored = await set_own(database, member, "nonce-01", "pref.theme", {"name": "暗", "n": [1, None, 0.5]})
    await set_own(database, member, "nonce-02", "room.r_x.muted", True)

    assert [(event.stream, event.q, event.kind) for event in heard] == [
        (member.id, stored.q, "set"),
        (member.id, stored.q + 1, "set"),
    ]
    assert heard[0].body == '{"key":"pref.theme","value":{"name":"暗","n":[1,null,0.5]}}'
    copy = await sync_stream(database, member, member.id, None)
    assert copy.own == {"pref.theme": '{"name":"暗","n":[1,null,0.5]}', "room.r_x.muted": "true"}
    assert (await sync_stream(database, other, other.id, None)).own == {}


async def test_last_value_counts(database, people, heard) -> None:
    """A value takes the place of the one before, None leaves nothing, and forgetting twice is no error."""
    member = people["member"]
    await set_own(database, member, "nonce-01", "draft.r_x", "a")
    await set_own(database, member, "nonce-02", "draft.r_x", "b")
    assert (await sync_stream(database, member, member.id, None)).own == {"draft.r_x": '"b"'}

    heard.clear()
    await set_own(database, member, "nonce-03", "draft.r_x", None)
    await set_own(database, member, "nonce-04", "draft.r_x", None)

    assert [event.body for event in heard] == ['{"key":"draft.r_x"}'] * 2
    assert (await sync_stream(database, member, member.id, None)).own == {}


async def test_repeat_changes_nothing(database, people, code_of) -> None:
    """The same request again is answered alike, even if there is another value by now; another isn't done."""
    member = people["member"]
    first = await set_own(database, member, "nonce-01", "pref.a", 1)
    await set_own(database, member, "nonce-02", "pref.a", 2)

    again = await set_own(database, member, "nonce-01", "pref.a", 1)

    assert (again.q, again.ts, again.dup) == (first.q, first.ts, True)
    assert (await sync_stream(database, member, member.id, None)).own == {"pref.a": "2"}
    assert await code_of(set_own(database, member, "nonce-01", "pref.a", 3)) == "nonce_reuse"


@pytest.mark.parametrize(
    "key", ["", "pref", "Pref.a", "pref.", ".a", "pref.a b", "pref.é", "pref.a\n", "pref." + "a" * 156]
)
async def test_keys_are_plain(database, people, code_of, key: str) -> None:
    """What can't be a key is refused."""
    assert await code_of(set_own(database, people["member"], "nonce-01", key, 1)) == "invalid"


async def test_longest_key_is_kept(database, people) -> None:
    """A key of just the length that is allowed is one."""
    key = "pref." + "a" * (policies.OWN_KEY_LENGTH - 5)
    await set_own(database, people["member"], "nonce-01", key, 1)
    copy = await sync_stream(database, people["member"], people["member"].id, None)
    assert list(copy.own) == [key]


async def test_values_are_limited(database, people, code_of) -> None:
    """A value has so many bytes as JSON, and one more is too long."""
    member, most = people["member"], policies.OWN_VALUE_BYTES - 2
    await set_own(database, member, "nonce-01", "draft.a", "a" * most)
    assert await code_of(set_own(database, member, "nonce-02", "draft.b", "a" * (most + 1))) == "too_long"


async def test_values_are_not_deep(database, people, code_of) -> None:
    """Lists and objects may stand in each other so deep, and no deeper; side by side isn't deep."""
    member, value = people["member"], []
    for depth in range(1, policies.OWN_DEPTH):
        value = [value, 1] if depth % 2 else {"a": value, "b": [[]]}
    await set_own(database, member, "nonce-01", "pref.a", value)
    assert await code_of(set_own(database, member, "nonce-02", "pref.b", [value])) == "invalid"


async def test_all_together_is_limited(database, people, code_of, monkeypatch) -> None:
    """Neither more keys nor more bytes are kept than is allowed; what is in another's place is no more."""
    member = people["member"]
    monkeypatch.setattr("hubbub.actions.set_own.OWN_KEYS", 2)
    await set_own(database, member, "nonce-01", "pref.a", 1)
    await set_own(database, member, "nonce-02", "pref.b", 1)
    assert await code_of(set_own(database, member, "nonce-03", "pref.c", 1)) == "too_long"
    await set_own(database, member, "nonce-04", "pref.b", 2)
    await set_own(database, member, "nonce-05", "pref.a", None)
    await set_own(database, member, "nonce-03", "pref.c", 1)

    monkeypatch.setattr("hubbub.actions.set_own.OWN_BYTES", 2 * len("pref.b2"))
    assert await code_of(set_own(database, member, "nonce-06", "pref.c", 10)) == "too_long"
    copy = await sync_stream(database, member, member.id, None)
    assert copy.own == {"pref.b": "2", "pref.c": "1"}
