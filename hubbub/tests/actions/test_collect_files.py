"""Removing files that nobody can ask for."""

from __future__ import annotations

import os

from hubbub.actions.change_file import discard_file
from hubbub.actions.collect_files import collect_gone, collect_orphans
from hubbub.actions.post_message import post_message
from hubbub.domain.policies import UNSENT_LIFE
from hubbub.storage import files

from ..files import contents


async def known(database, *ids: str) -> set[str]:
    """Return which of the files are known of."""
    return await database.read(lambda connection: files.select_known(connection, ids))


async def test_gone_files_leave_the_disk(database, store, people, upload) -> None:
    """What is gone is removed and forgotten, all else stays."""
    gone, other = (await upload("member")).id, (await upload("member")).id
    await discard_file(database, people["member"], gone)
    assert len(contents(store.shelf.folder)) == 2

    await collect_gone(database, store.shelf)

    assert contents(store.shelf.folder) == [other]
    assert await known(database, gone, other) == {other}


async def test_stubborn_disk_is_asked_again(database, store, people, upload, monkeypatch) -> None:
    """What the disk doesn't give up isn't forgotten."""
    gone = (await upload("member")).id
    await discard_file(database, people["member"], gone)
    with monkeypatch.context() as patch:
        patch.setattr(store.shelf, "_remove", lambda _: False)
        await collect_gone(database, store.shelf)
    assert await known(database, gone) == {gone}

    await collect_gone(database, store.shelf)

    assert await known(database, gone) == set()


async def test_orphans_go_after_a_day(database, store, people, room, upload, wall_clock) -> None:
    """What no message has is removed after a day; what one has stays for ever."""
    unsent, posted = (await upload("member")).id, (await upload("member")).id
    await post_message(database, people["member"], room, "nonce-01", "", files=[posted])

    wall_clock.now += UNSENT_LIFE * 1000
    await collect_orphans(database, store.shelf)
    assert len(contents(store.shelf.folder)) == 2
    wall_clock.now += 1
    await collect_orphans(database, store.shelf)

    assert contents(store.shelf.folder) == [posted]
    assert await known(database, unsent) == set()


async def test_strange_contents_go(database, store, upload) -> None:
    """What is on the disk for long, and nobody knows, is removed; what is new may be under way."""
    mine = (await upload("member")).id
    for name in ("f_xxold", "f_xxnew"):
        store.shelf.place(name).parent.mkdir(exist_ok=True)
        store.shelf.place(name).write_bytes(b"?")
    for name in ("f_xxold", mine):
        os.utime(store.shelf.place(name), (1, 1))

    await collect_orphans(database, store.shelf)

    assert sorted(contents(store.shelf.folder)) == sorted([mine, "f_xxnew"])
