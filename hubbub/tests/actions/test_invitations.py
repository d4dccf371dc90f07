"""Making invitations."""

from __future__ import annotations

import pytest

from hubbub.actions import invitations
from hubbub.actions.create_room import create_room
from hubbub.actions.invitations import list_invites, make_invite, revoke_invite, trim_invites
from hubbub.actions.use_invite import look_at_invite
from hubbub.domain.models import Visibility
from hubbub.domain.policies import INVITE_LIFETIME, INVITE_USES
from hubbub.storage import settings

DAY = 24 * 3600


@pytest.fixture
async def members_invite(database) -> None:
    """Let everybody who has an account invite others."""
    await database.write(lambda transaction: settings.put(transaction.connection, "members_invite", True))


async def test_administrator_invites(database, boss, people, ann, room, wall_clock) -> None:
    """What was made is listed, says where it leads, and can be taken back; its token is kept nowhere."""
    made = await make_invite(database, boss, DAY, 5, room)
    [shown] = await list_invites(database, boss)

    assert shown == made.shown == await look_at_invite(database, made.token)
    assert (shown.by_name, shown.room_name) == ("Boss", "garden")
    assert shown.invite.expires == wall_clock.now + DAY * 1000
    assert made.token not in repr(shown)
    await revoke_invite(database, boss, shown.invite.id)
    assert await list_invites(database, boss) == []


async def test_others_invite_if_they_may(database, boss, people, ann, code_of) -> None:
    """Guests never do, and who has an account where administrators say so."""
    for user in (ann.user, people["owner"]):
        assert await code_of(make_invite(database, user, DAY, 1)) == "forbidden"
        assert await code_of(list_invites(database, user)) == "forbidden"


async def test_members_see_their_own(database, boss, people, ann, members_invite, code_of) -> None:
    """Who may invite sees and takes back what they made, an administrator everything."""
    his, hers = await make_invite(database, boss, DAY, 1), await make_invite(database, ann.user, DAY, 1)

    assert await code_of(make_invite(database, people["owner"], DAY, 1)) == "forbidden"
    assert await list_invites(database, ann.user) == [hers.shown]
    assert len(await list_invites(database, boss)) == 2
    assert await code_of(revoke_invite(database, ann.user, his.shown.invite.id)) == "not_found"
    await revoke_invite(database, boss, hers.shown.invite.id)
    assert await list_invites(database, boss) == [his.shown]


async def test_rooms_are_whose_they_are(database, boss, ann, people, room, members_invite, code_of) -> None:
    """Nobody invites into a private room that isn't theirs to, not even an administrator."""
    owner = people["owner"]
    secret = (await create_room(database, owner, "nonce-01", "secret", "", Visibility.PRIVATE)).room.id
    own = (await create_room(database, ann.user, "nonce-02", "den", "", Visibility.PRIVATE)).room.id

    assert await code_of(make_invite(database, boss, DAY, 1, secret)) == "not_found"
    assert await code_of(make_invite(database, boss, DAY, 1, "r_nowhere")) == "not_found"
    for where in (own, room):
        await make_invite(database, ann.user, DAY, 1, where)


@pytest.mark.parametrize("lifetime,uses", [(0, 1), (1, 0), (INVITE_LIFETIME + 1, 1), (1, INVITE_USES + 1)])
async def test_invitations_have_bounds(database, boss, code_of, lifetime, uses) -> None:
    """None is for ever, and none for everybody."""
    assert await code_of(make_invite(database, boss, lifetime, uses)) == "invalid"


async def test_invitations_are_so_many(database, boss, wall_clock, monkeypatch, code_of) -> None:
    """One too many is refused, until one is none any more."""
    monkeypatch.setattr(invitations, "INVITES", 2)
    for _ in range(2):
        await make_invite(database, boss, DAY, 1)
    assert await code_of(make_invite(database, boss, DAY, 1)) == "invalid"
    wall_clock.now += DAY * 1000

    await trim_invites(database)
    await make_invite(database, boss, DAY, 1)
