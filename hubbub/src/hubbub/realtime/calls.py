"""Which action each method is, and how its result is told.

What methods want beyond what frames say (lengths, names, rights) the actions see to.
"""

from __future__ import annotations

from hubbub import wire
from hubbub.actions.archive_room import archive_room
from hubbub.actions.block_user import block_user
from hubbub.actions.change_room import change_room
from hubbub.actions.create_room import create_room
from hubbub.actions.find_people import find_people
from hubbub.actions.give_role import give_role
from hubbub.actions.invite import invite
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.list_bans import list_bans
from hubbub.actions.list_members import list_members
from hubbub.actions.list_rooms import list_rooms
from hubbub.actions.list_sessions import list_sessions
from hubbub.actions.open_talk import open_talk
from hubbub.actions.read_history import HistoryPage
from hubbub.actions.read_pinned import read_pinned
from hubbub.actions.read_thread import read_thread
from hubbub.actions.read_versions import read_versions
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.actions.revoke_session import revoke_session
from hubbub.actions.set_own import set_own
from hubbub.bus.base import Bus
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import History, Membership, Posted, Posting, Role, User, Visibility
from hubbub.realtime import showing
from hubbub.realtime.administration import administer
from hubbub.storage.database import Database


async def call_write(database: Database, user: User, params: wire.Params, n: str) -> wire.Result:
    """Do what a method that writes does, once for its nonce.

    Raises:
        ChatError: that of the action.
    """
    match params:
        case wire.CreateRoom():
            return _room(await _create_room(database, user, n, params))
        case wire.OpenTalk(users=users):
            return _room(await open_talk(database, user, n, users))
        case wire.JoinRoom(s=s):
            return _room(await join_room(database, user, n, s))
        case wire.UpdateRoom():
            return _written(await _update_room(database, user, n, params))
        case wire.ArchiveRoom(s=s, on=on):
            return _written(await archive_room(database, user, s, n, on=on))
        case wire.BlockUser(user=other, on=on):
            return _written(await block_user(database, user, n, other, on=on))
        case wire.LeaveRoom(s=s):
            return _written(await leave_room(database, user, s, n))
        case wire.Invite(s=s, user=other):
            return _written(await invite(database, user, s, n, other))
        case wire.Kick(s=s, user=other):
            return _written(await kick(database, user, s, n, other))
        case wire.Ban(s=s, user=other):
            return _written(await ban(database, user, s, n, other))
        case wire.Unban(s=s, user=other):
            return _written(await unban(database, user, s, n, other))
        case wire.SetOwn(key=key, value=value):
            return _written(await set_own(database, user, n, key, value))
        case wire.GiveRole(s=s, user=other, role=role):
            return _written(await give_role(database, user, s, n, other, Role(role)))
    raise ChatError(Code.UNKNOWN_OP)


async def _create_room(database: Database, user: User, nonce: str, params: wire.CreateRoom) -> Membership:
    rules = Visibility(params.visibility), Posting(params.posting), History(params.history)
    return await create_room(database, user, nonce, params.name, params.topic, *rules)


async def _update_room(database: Database, user: User, nonce: str, params: wire.UpdateRoom) -> Posted:
    return await change_room(
        database,
        user,
        params.s,
        nonce,
        name=params.name,
        topic=params.topic,
        visibility=None if params.visibility is None else Visibility(params.visibility),
        posting=None if params.posting is None else Posting(params.posting),
        history=None if params.history is None else History(params.history),
    )


async def call(database: Database, bus: Bus, user: User, login: bytes, params: wire.Params) -> wire.Result:
    """Do what a method that has no nonce does; `login` is the digest of the token that asks.

    Raises:
        ChatError: that of the action.
    """
    match params:
        case wire.ListRooms(after=after, limit=limit, archived=archived):
            found = await list_rooms(database, user, after or "", limit, archived=archived)
            entries = [wire.RoomEntry(showing.room(it.room), it.members, it.is_own) for it in found.rooms]
            return wire.RoomsResult(entries, found.next)
        case wire.ListMembers(s=s, after=after, limit=limit):
            members = await list_members(database, user, s, after or "", limit)
            return wire.MembersResult(showing.members(members.members), members.next)
        case wire.ListBans(s=s, after=after, limit=limit):
            bans = await list_bans(database, user, s, after or "", limit)
            return wire.BansResult(showing.bans(bans.bans), bans.next)
        case wire.FindPeople(text=text):
            return wire.PeopleResult(showing.people(await find_people(database, user, text)))
        case wire.ListEdits(s=s, q=q):
            versions, more = await read_versions(database, user, s, q)
            return wire.EditsResult([wire.EditInfo(each.q, each.ts, each.text) for each in versions], more)
        case wire.ReadThread(s=s, q=q, before=before, limit=limit):
            return _messages(await read_thread(database, user, s, q, before, limit))
        case wire.ListPinned(s=s):
            return _messages(await read_pinned(database, user, s))
        case wire.ListSessions():
            logins = await list_sessions(database, user, login)
            return wire.SessionsResult([showing.login(each.login, own=each.is_own) for each in logins])
        case wire.RevokeSession(id=session):
            await revoke_session(database, bus, user, session)
            return wire.DoneResult()
    return await administer(database, bus, user, params)


def _room(membership: Membership) -> wire.RoomResult:
    return wire.RoomResult(showing.room(membership.room, membership.role))


def _written(posted: Posted) -> wire.WriteResult:
    return wire.WriteResult(posted.q, posted.ts, posted.dup)


def _messages(page: HistoryPage) -> wire.MessagesResult:
    return wire.MessagesResult(
        showing.messages(page.messages), page.asof, page.more, showing.names(page.names)
    )
