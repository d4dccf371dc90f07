"""Uploading files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.find_file import find_file
from hubbub.actions.leave_room import leave_room
from hubbub.actions.post_message import post_message
from hubbub.actions.read_log import read_log
from hubbub.actions.upload_file import upload_file
from hubbub.domain.models import Sight
from hubbub.domain.policies import FILES
from hubbub.storage import files, messages

from ..files import contents, pieces

GIF = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


async def test_file_is_what_it_is(database, store, people, room) -> None:
    """Its type is found out, whatever its name says; its name is cleaned, and what it shows is said."""
    member = people["member"]
    page = b"<!doctype html><script>alert(1)</script>"

    liar = await upload_file(database, store, member, room, "../a.png", pieces(page))
    picture = await upload_file(database, store, member, room, "b.html", pieces(GIF), " a\ndot ")

    assert (liar.name, liar.type, liar.size, liar.width) == ("a.png", "text/plain", len(page), None)
    assert (picture.type, picture.width, picture.height, picture.alt) == ("image/gif", 1, 1, "a dot")
    assert store.shelf.place(liar.id).read_bytes() == page
    assert (await find_file(database, member, picture.id)).attachment == picture


async def test_only_members_upload(database, store, people, room, upload, code_of) -> None:
    """Whoever isn't in the room can't put anything there, nor can who leaves it meanwhile."""
    assert await code_of(upload("stranger")) == "not_member"

    async def leave_midway() -> AsyncIterator[bytes]:
        yield b"tea"
        await leave_room(database, people["member"], room, "nonce-01")

    leaving = upload_file(database, store, people["member"], room, "a", leave_midway())
    assert await code_of(leaving) == "not_member"
    assert contents(store.shelf.folder) == []


async def test_space_is_bounded(database, store, people, upload, code_of) -> None:
    """A user has so much space for all of their files, however they come, and it returns with the files."""
    small = replace(store, user_bytes=2_500)
    first = await upload("member", bytes(1_000), where=small)

    assert await code_of(upload("member", bytes(1_501), where=small)) == "storage_full"
    together = await asyncio.gather(
        *(upload("member", bytes(1_500), where=small) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in together) == ["Attachment", "ChatError"]
    assert await code_of(upload("member", b"", where=small)) == "storage_full"
    await database.write(lambda transaction: files.drop(transaction.connection, first.id))
    await upload("member", bytes(1_000), where=small)
    assert len(contents(store.shelf.folder)) == 3


async def test_refused_file_leaves_nothing(store, upload, code_of) -> None:
    """A file that is too long, or a picture that is none, isn't anywhere."""
    assert await code_of(upload("member", bytes(64 * 1024 + 1))) == "too_long"
    assert await code_of(upload("member", GIF[:-5])) == "invalid"
    assert contents(store.shelf.folder) == []


async def test_message_needs_no_text_with_files(database, people, room, upload, code_of) -> None:
    """With files a message may be silent, also after it was edited; it has so many at most."""
    member = people["member"]
    file = await upload("member")

    assert await code_of(post_message(database, member, room, "nonce-01", " ")) == "invalid"
    too_many = [file.id] * (FILES + 1)
    assert await code_of(post_message(database, member, room, "nonce-01", "", files=too_many)) == "invalid"
    posted = await post_message(database, member, room, "nonce-01", "look", files=[file.id])
    await edit_message(database, member, room, "nonce-02", posted.q, "")
    other = await post_message(database, member, room, "nonce-03", "hi")
    assert await code_of(edit_message(database, member, room, "nonce-04", other.q, " ")) == "invalid"


async def test_deleted_message_loses_its_files(database, people, room, upload, code_of) -> None:
    """With the message its files are gone for everybody at once, and nothing is said of them any more."""
    member = people["member"]
    file = await upload("member", alt="secret")
    posted = await post_message(database, member, room, "nonce-01", "", files=[file.id])

    await delete_message(database, people["moderator"], room, "nonce-02", posted.q)

    assert await code_of(find_file(database, member, file.id)) == "not_found"
    log = (await read_log(database, member, room, 0)).events
    assert not [event for event in log if "secret" in event.body]
    message = await database.read(lambda connection: messages.find(connection, Sight(room), posted.q))
    assert message.files == ()
    again = await post_message(database, member, room, "nonce-01", "", files=[file.id])
    assert (again.q, again.dup) == (posted.q, True)
