"""Files of deleted messages leave the disk."""

from __future__ import annotations

import pytest

from hubbub.actions.delete_message import delete_message
from hubbub.actions.post_message import post_message
from hubbub.actions.upload_file import upload_file
from hubbub.domain.models import LOBBY
from hubbub.realtime.collector import Collector
from hubbub.storage import files

from ..files import pieces


@pytest.fixture
async def file(database, store, guest) -> tuple:
    """Post a message with a file, and return who did, its number, and the file's id."""
    ann = (await guest("Ann")).user
    file = await upload_file(database, store, ann, LOBBY, "a", pieces(b"tea"))
    return ann, (await post_message(database, ann, LOBBY, "nonce-01", "", files=[file.id])).q, file.id


async def test_files_go_with_their_message(database, store, bus, file) -> None:
    """Once the deletion is stored, the disk has them no longer; until then it has."""
    ann, q, file_id = file
    collector = Collector(database, store.shelf)
    bus.subscribe(collector.hear)

    await post_message(database, ann, LOBBY, "nonce-02", "hi")
    await collector.drain()
    assert store.shelf.place(file_id).is_file()
    await delete_message(database, ann, LOBBY, "nonce-03", q)
    await collector.drain()

    assert not store.shelf.place(file_id).exists()
    assert await database.read(files.list_gone) == []
