"""Finding out who someone is."""

from __future__ import annotations

from hubbub.actions.authenticate import authenticate, authenticate_all, digest_token
from hubbub.actions.begin_session import begin_session
from hubbub.actions.read_heads import read_heads
from hubbub.domain.policies import SEEN_INTERVAL, SESSION_LIFETIME
from hubbub.storage import sessions


async def test_token_is_its_users(database, guest) -> None:
    """A token finds its user; any other finds nobody."""
    ann = await guest("Ann")

    assert await authenticate(database, ann.token) == ann.user
    assert await authenticate(database, ann.token + "x") is None
    assert await authenticate(database, "") is None


async def test_token_expires(database, guest, wall_clock) -> None:
    """When a session's time is over, its token finds nobody."""
    ann = await guest("Ann")
    wall_clock.now += SESSION_LIFETIME * 1000

    assert await authenticate(database, ann.token) is None


async def test_use_is_stored_now_and_then(database, guest, wall_clock) -> None:
    """That a session is used is stored at most once an hour, and without waiting for it."""
    ann = await guest("Ann")
    seen = []
    for minutes in (59, 2, 58, 2):
        wall_clock.now += minutes * 60_000
        await authenticate(database, ann.token)
        # What is written now comes after it.
        await guest("Bob")
        [(_, login)] = await database.read(
            lambda connection: sessions.list_own(connection, ann.user.id, wall_clock.now)
        )
        seen.append((wall_clock.now - login.seen) // 60_000)

    assert seen == [59, 0, 58, 0]


async def test_reading_goes_on_without_writing(database, guest, wall_clock) -> None:
    """Who is signed in gets in even if nothing can be written any more."""
    ann = await guest("Ann")
    wall_clock.now += SEEN_INTERVAL * 1000
    await database._writer.close()

    assert await authenticate(database, ann.token) == ann.user


async def test_many_are_found_at_once(database, people, room, guest, wall_clock) -> None:
    """Of many digests each finds its user and the heads of their streams, as it would alone."""
    signed_in = [await guest(name) for name in ("Ann", "Bob")]
    owner = await database.write(lambda transaction: begin_session(transaction, people["owner"], "phone"))
    wall_clock.now += SEEN_INTERVAL * 1000
    digests = {digest_token(each.token): each.user for each in (*signed_in, owner)}
    found = await authenticate_all(database, [*digests, b"#nobody"])

    assert {digest: arrival.user for digest, arrival in found.items()} == digests
    for user, heads in found.values():
        assert set(heads) == set(await read_heads(database, user))
    assert room in {head.stream for head in found[digest_token(owner.token)].heads}
    await guest("Cleo")
    assert set((await authenticate_all(database, [*digests])).keys()) == digests.keys()
    [(_, login)] = await database.read(
        lambda connection: sessions.list_own(connection, signed_in[0].user.id, wall_clock.now)
    )
    assert login.seen == wall_clock.now

    wall_clock.now += SESSION_LIFETIME * 1000
    assert await authenticate_all(database, [*digests]) == {}


def test_digest_hides_the_token() -> None:
    """What is kept of a token doesn't contain it."""
    assert b"secret" not in digest_token("secret")
    assert digest_token("secret") != digest_token("secreT")
