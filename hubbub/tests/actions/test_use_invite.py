"""Coming in by an invitation."""

from __future__ import annotations

import asyncio

from hubbub.actions.change_settings import change_settings
from hubbub.actions.create_room import create_room
from hubbub.actions.disable_user import disable_user
from hubbub.actions.give_role import give_role
from hubbub.actions.give_server_role import give_server_role
from hubbub.actions.invitations import make_invite
from hubbub.actions.invite import invite
from hubbub.actions.register import register
from hubbub.actions.remove_member import ban
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.actions.use_invite import accept_invite, look_at_invite
from hubbub.domain.errors import ChatError
from hubbub.domain.models import LOBBY, Role, ServerRole, Visibility
from hubbub.storage import rooms

DAY = 24 * 3600
PASSWORD = "correct horse"


async def own_rooms(database, user) -> set[str]:
    """Return the rooms that someone belongs to."""
    return set(await database.read(lambda connection: rooms.list_ids(connection, user.id)))


async def test_invitation_lets_in(database, bus, passwords, boss, room, code_of) -> None:
    """Where an invitation is needed nobody comes without one, and with one into its room as well."""
    await change_settings(database, bus, boss, {"sign_up": "invite"})
    token = (await make_invite(database, boss, DAY, 1, room)).token

    assert await code_of(register(database, passwords, "bob", PASSWORD)) == "forbidden"
    assert await code_of(register(database, passwords, "boss", PASSWORD)) == "forbidden"
    assert await code_of(register(database, passwords, "bob", PASSWORD, invite="made up")) == "not_found"
    bob = (await register(database, passwords, "bob", PASSWORD, invite=token)).user
    assert await own_rooms(database, bob) == {LOBBY, room}
    assert await code_of(register(database, passwords, "eve", PASSWORD, invite=token)) == "not_found"


async def test_last_use_is_one_persons(database, passwords, boss) -> None:
    """Of two who come at once by what is for one, one is let in."""
    token = (await make_invite(database, boss, DAY, 1)).token
    outcomes = await asyncio.gather(
        *(register(database, passwords, name, PASSWORD, invite=token) for name in ("bob", "eve")),
        return_exceptions=True,
    )

    assert [each.code for each in outcomes if isinstance(each, ChatError)] == ["not_found"]


async def test_closed_doors_are_closed(database, bus, passwords, boss, ann, guest, code_of) -> None:
    """Where nobody makes accounts, no invitation helps; where guests don't come, no name does."""
    token = (await make_invite(database, boss, DAY, 1)).token
    await change_settings(database, bus, boss, {"sign_up": "closed", "guests": False})

    assert await code_of(register(database, passwords, "bob", PASSWORD, invite=token)) == "forbidden"
    assert await code_of(register(database, passwords, "ann", PASSWORD)) == "forbidden"
    assert await code_of(sign_in_guest(database, "Bob")) == "forbidden"


async def test_who_is_here_goes_there(database, people, boss, room, code_of) -> None:
    """Someone who is in already is let into the room; who belongs to it, or comes again, uses nothing up."""
    token = (await make_invite(database, boss, DAY, 5, room)).token
    for name in ("member", "stranger", "stranger"):
        assert await accept_invite(database, people[name], token) == room

    assert (await look_at_invite(database, token)).invite.used == 1
    assert room in await own_rooms(database, people["stranger"])
    nowhere = (await make_invite(database, boss, DAY, 1)).token
    assert await accept_invite(database, people["member"], nowhere) is None


async def test_banned_stay_out(database, people, boss, room, code_of) -> None:
    """An invitation lets nobody back in who is banned, and isn't used up by them."""
    await ban(database, people["owner"], room, "nonce-01", people["stranger"].id)
    token = (await make_invite(database, boss, DAY, 1, room)).token

    assert await code_of(accept_invite(database, people["stranger"], token)) == "banned"
    assert (await look_at_invite(database, token)).invite.used == 0


async def test_invitation_ends_with_its_right(database, bus, passwords, people, boss, ann, code_of) -> None:
    """It leads nowhere once who made it is out, or keeps order in its private room no longer."""
    owner = people["owner"]
    den = (await create_room(database, owner, "nonce-01", "den", "", Visibility.PRIVATE)).room.id
    await invite(database, owner, den, "nonce-02", ann.user.id)
    await give_role(database, owner, den, "nonce-03", ann.user.id, Role.MODERATOR)
    await give_server_role(database, bus, boss, ann.user.id, ServerRole.ADMINISTRATOR)
    into, plain = (
        await make_invite(database, ann.user, DAY, 1, den),
        await make_invite(database, ann.user, DAY, 1),
    )
    await look_at_invite(database, into.token)
    await give_role(database, owner, den, "nonce-04", ann.user.id, Role.MEMBER)

    assert await code_of(look_at_invite(database, into.token)) == "not_found"
    await look_at_invite(database, plain.token)
    await disable_user(database, bus, boss, ann.user.id)
    assert await code_of(look_at_invite(database, plain.token)) == "not_found"
