"""Where writes are kept until the server has them."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from hubbub import wire
from hubbub.client.errors import OutboxUnusable
from hubbub.client.outbox import FileOutbox, MemoryOutbox, open_outbox

from .scripted import make_send


async def test_order_survives(tmp_path: Path) -> None:
    """Another run finds what was kept and not removed, in its order and as it was."""
    file = tmp_path / "outbox.sqlite3"
    writes = [make_send(f"nonce-{number:02}", text="你好") for number in range(12)]
    first = FileOutbox(file)
    await asyncio.gather(*(first.put("u_ann", write) for write in writes))
    await first.remove("u_ann", "nonce-03")
    await first.remove("u_ann", "nonce-03")
    await first.close()
    second = FileOutbox(file)

    assert await second.load("u_ann") == writes[:3] + writes[4:]
    await second.close()


async def test_every_write_can_be_kept(tmp_path: Path) -> None:
    """Each kind of write comes back as what it was."""
    outbox = FileOutbox(tmp_path / "outbox.sqlite3")
    call = wire.make_call(0, wire.LeaveRoom("r_tea"), "nonce-05")
    writes = [
        wire.Edit(0, "r_tea", "nonce-01", 3, wire.NewText("hi"), 2),
        wire.Delete(0, "r_tea", "nonce-02", 3),
        wire.React(0, "r_tea", "nonce-03", 3, "👍", True),
        wire.Pin(0, "r_tea", "nonce-04", 3, False),
    ]
    for write in (*writes, call):
        await outbox.put("u_ann", write)
    *kept, kept_call = await outbox.load("u_ann")
    await outbox.close()

    assert kept == writes
    assert isinstance(kept_call, wire.Call)
    assert (kept_call.m, kept_call.n, wire.params_of(kept_call)) == (call.m, call.n, wire.LeaveRoom("r_tea"))


async def test_users_are_apart(tmp_path: Path) -> None:
    """Nobody is given what somebody else wrote, be it by the same nonce."""
    outbox = FileOutbox(tmp_path / "outbox.sqlite3")
    for user in ("u_ann", "u_bo"):
        await outbox.put(user, make_send("nonce-01", text=user))
    await outbox.remove("u_bo", "nonce-01")

    assert await outbox.load("u_ann") == [make_send("nonce-01", text="u_ann")]
    assert await outbox.load("u_bo") == []
    await outbox.close()


async def test_file_is_safe_and_private(tmp_path: Path) -> None:
    """What is kept is on the disk at once, for its owner's eyes only."""
    file = tmp_path / "outbox.sqlite3"
    outbox = FileOutbox(file)
    await outbox.put("u_ann", make_send("nonce-01"))
    assert outbox._connection is not None

    assert outbox._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert file.stat().st_mode & 0o077 == 0
    # Another connection sees it: it isn't in a transaction that is still open.
    other = sqlite3.connect(file)
    assert other.execute("SELECT count(*) FROM writes").fetchone() == (1,)
    other.close()
    await outbox.close()


async def test_bad_file_is_said(tmp_path: Path) -> None:
    """A file that is none, and a folder that isn't there, are errors that say so."""
    (tmp_path / "text").write_text("no database, " * 100)
    for path in (tmp_path / "text", tmp_path / "nowhere" / "outbox"):
        outbox = FileOutbox(path)
        with pytest.raises(OutboxUnusable, match=path.name):
            await outbox.put("u_ann", make_send("nonce-01"))
        await outbox.close()


async def test_memory_needs_no_file() -> None:
    """Without a file nothing outlives the program."""
    outbox = open_outbox(None)
    await outbox.put("u_ann", make_send("nonce-01"))

    assert isinstance(outbox, MemoryOutbox)
    assert await outbox.load("u_ann") == []
    await outbox.remove("u_ann", "nonce-01")
    await outbox.close()
