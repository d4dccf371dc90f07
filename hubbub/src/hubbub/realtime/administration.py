"""Which action each method is by which people are let in and the chat is administered.

Who may do it, the actions see to.
"""

from __future__ import annotations

import msgspec

from hubbub import wire
from hubbub.actions.change_settings import change_settings, read_settings
from hubbub.actions.disable_user import disable_user, enable_user
from hubbub.actions.give_server_role import give_server_role
from hubbub.actions.invitations import list_invites, make_invite, revoke_invite
from hubbub.actions.list_users import list_users
from hubbub.actions.reset_password import issue_reset
from hubbub.actions.use_invite import accept_invite
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import ServerRole, User
from hubbub.realtime import showing
from hubbub.storage.database import Database


async def administer(database: Database, bus: Bus, user: User, params: wire.Params) -> wire.Result:
    """Do what a method does.

    Raises:
        ChatError: that of the action; `unknown_op` for another method.
    """
    match params:
        case wire.ReadSettings():
            return wire.SettingsResult(showing.settings(await read_settings(database, user)))
        case wire.ChangeSettings():
            given = msgspec.structs.asdict(params).items()
            wanted = {key: value for key, value in given if value is not None}
            return wire.SettingsResult(showing.settings(await change_settings(database, bus, user, wanted)))
        case wire.ListUsers(query=query, after=after, limit=limit):
            page = await list_users(database, user, query, after or "", limit)
            return wire.UsersResult([showing.person(each) for each in page.people], page.next)
        case wire.GiveServerRole(user=other, role=role):
            await give_server_role(database, bus, user, other, ServerRole(role))
            return wire.DoneResult()
        case wire.DisableUser(user=other):
            await disable_user(database, bus, user, other)
            return wire.DoneResult()
        case wire.EnableUser(user=other):
            await enable_user(database, bus, user, other)
            return wire.DoneResult()
        case wire.IssueReset(user=other):
            return wire.LinkResult(*await issue_reset(database, user, other))
    return await _invite(database, user, params)


async def _invite(database: Database, user: User, params: wire.Params) -> wire.Result:
    match params:
        case wire.CreateInvite(lifetime=lifetime, uses=uses, s=room):
            made = await make_invite(database, user, lifetime, uses, room)
            return wire.InviteResult(showing.invite(made.shown), made.token)
        case wire.ListInvites():
            return wire.InvitesResult([showing.invite(each) for each in await list_invites(database, user)])
        case wire.RevokeInvite(id=invite):
            await revoke_invite(database, user, invite)
            return wire.DoneResult()
        case wire.AcceptInvite(token=token):
            return wire.AcceptedResult(await accept_invite(database, user, token))
    raise ChatError(Code.UNKNOWN_OP)
