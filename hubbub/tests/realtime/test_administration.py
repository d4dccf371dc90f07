"""How the chat is administered by frames."""

from __future__ import annotations

import pytest

from hubbub import wire
from hubbub.domain.models import ServerRole
from hubbub.storage import users

FOR_ADMINISTRATORS = {
    "settings.read": {},
    "settings.change": {"guests": False},
    "user.list": {},
    "user.role": {"user": "u_nobody", "role": "administrator"},
    "user.disable": {"user": "u_nobody"},
    "user.enable": {"user": "u_nobody"},
    "user.reset": {"user": "u_nobody"},
    "invite.create": {"lifetime": 60},
    "invite.list": {},
}


@pytest.mark.parametrize("name", FOR_ADMINISTRATORS)
async def test_others_administer_nothing(ann, name) -> None:
    """Whoever isn't an administrator is refused alike, whether there is what they ask for or not."""
    answer = await ann.call(name, **FOR_ADMINISTRATORS[name])

    assert (answer["code"], answer["msg"]) == ("forbidden", "Only an administrator can do this.")


def test_every_method_of_administrators_is_tried() -> None:
    """A method that is added for administrators is refused to others, too."""
    told = {
        name for name, method in wire.METHODS.items() if "for administrators" in (method.params.__doc__ or "")
    }

    assert told | {"invite.create", "invite.list"} == set(FOR_ADMINISTRATORS)


async def test_administrator_does_all(ann, database) -> None:
    """What an administrator asks for is done, and told."""
    me = next(iter((await ann.call("member.list", s="r_lobby"))["r"]["members"]))["id"]
    await database.write(
        lambda transaction: users.set_role(transaction.connection, me, ServerRole.ADMINISTRATOR)
    )

    changed = (await ann.call("settings.change", sign_up="invite"))["r"]["settings"]
    assert changed == {"sign_up": "invite", "guests": True, "members_invite": False}
    assert (await ann.call("settings.read"))["r"]["settings"] == changed
    made = (await ann.call("invite.create", lifetime=60, uses=2, s="r_lobby"))["r"]
    assert made["invite"]["room"] == {"id": "r_lobby", "name": "lobby"}
    assert (await ann.call("invite.list"))["r"]["invites"] == [made["invite"]]
    assert (await ann.call("invite.accept", token=made["token"]))["r"] == {"s": "r_lobby"}
    assert (await ann.call("invite.revoke", id=made["invite"]["id"]))["r"] == {}
    [shown] = (await ann.call("user.list", query="ann"))["r"]["users"]
    assert (shown["id"], shown["role"]) == (me, "administrator")
