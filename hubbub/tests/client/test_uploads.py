"""Uploading by the SDK, to a chat that runs."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hubbub import wire
from hubbub.app import run_chat
from hubbub.client import connect, sign_in_guest
from hubbub.domain.models import LOBBY


async def test_file_is_uploaded_and_sent(settings, tmp_path: Path) -> None:
    """A file is handed over by its path or its content, sent, seen in the room, and had from its address."""
    (tmp_path / "茶.txt").write_text("tea")
    async with run_chat(settings) as url:
        token = (await sign_in_guest(url, "Ann")).token
        async with connect(url, token=token) as ann:
            text = await ann.upload(LOBBY, tmp_path / "茶.txt", alt="what we drink")
            data = await ann.upload(LOBBY, b"\0\1", name="a.bin")
            sent = await ann.send(LOBBY, "", files=[text.id, data.id])
            async for _ in ann:
                if (message := ann.rooms[LOBBY].find(sent.q)) is not None:
                    break
            address = ann.address_of(text)
            with pytest.raises(urllib.error.HTTPError, match=r"403|404"):
                await ann.upload("r_nowhere", b"")

        assert message.files == [text, data]
        assert text == wire.FileInfo(text.id, "茶.txt", "text/plain", 3, alt="what we drink")
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})

        def read() -> bytes:
            with urllib.request.urlopen(request) as answer:
                return answer.read()

        assert await asyncio.to_thread(read) == b"tea"
