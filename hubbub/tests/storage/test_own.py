"""What users keep of their own."""

from __future__ import annotations

from hubbub.storage import own


async def test_size_is_that_of_keys_and_values(connection) -> None:
    """Bytes are counted, of keys and values, and who keeps nothing has none."""
    assert await own.measure(connection, "u_ann") == (0, 0)

    await own.put(connection, "u_ann", "pref.a", '"é"')
    await own.put(connection, "u_ann", "pref.b", "1")
    await own.put(connection, "u_ann", "pref.b", "2")

    assert await own.measure(connection, "u_ann") == (2, 6 + 4 + 6 + 1)
    assert await own.find(connection, "u_ann") == {"pref.a": '"é"', "pref.b": "2"}
    assert await own.find(connection, "u_bob") == {}


async def test_dropping_leaves_the_others(connection) -> None:
    """A key is dropped for its user alone; one that is not there may be dropped."""
    for user in ("u_ann", "u_bob"):
        await own.put(connection, user, "pref.a", "1")
        await own.put(connection, user, "pref.b", "1")

    for _ in range(2):
        await own.drop(connection, "u_ann", "pref.a")

    assert list(await own.find(connection, "u_ann")) == ["pref.b"]
    assert list(await own.find(connection, "u_bob")) == ["pref.a", "pref.b"]
