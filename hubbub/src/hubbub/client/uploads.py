"""Files, over HTTP: handing them to the chat before a message has them, and where they are afterwards."""

from __future__ import annotations

import asyncio
import http.client
import urllib.request
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, urlencode

import msgspec

from hubbub import __version__, wire
from hubbub.client.guests import http_address

TIMEOUT: Final = 60.0


async def upload(
    url: str, token: str, room: str, content: Path | bytes, name: str | None = None, alt: str = ""
) -> wire.FileInfo:
    """Store a file for a room of the chat at `url`; a message of it may have it then.

    Cancelling doesn't stop what is under way.  What no message has is forgotten after a day.

    Raises:
        OSError: if the file can't be read, or the chat can't be reached or refuses; then it is an
            `urllib.error.HTTPError`.
    """
    if name is None:
        name = content.name if isinstance(content, Path) else ""
    address = f"{http_address(url)}/v1/files?{urlencode({'s': room, 'name': name, 'alt': alt})}"
    return await asyncio.to_thread(_upload, address, token, content)


def _upload(address: str, token: str, content: Path | bytes) -> wire.FileInfo:
    if isinstance(content, bytes):
        return _send(address, token, content, len(content))
    with content.open("rb") as file:
        return _send(address, token, file, content.stat().st_size)


def _send(address: str, token: str, body: BinaryIO | bytes, size: int) -> wire.FileInfo:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/octet-stream",
        "Content-Length": str(size),
        "User-Agent": f"hubbub/{__version__}",
    }
    request = urllib.request.Request(address, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return msgspec.json.decode(answer.read(), type=wire.FileInfo)
    except http.client.HTTPException as error:
        raise OSError("the connection was lost") from error
    except msgspec.DecodeError as error:
        raise OSError(f"{address} isn't a chat's") from error


def file_address(url: str, file: wire.FileInfo) -> str:
    """Return where a file is, for who belongs to its room."""
    return f"{http_address(url)}/v1/files/{file.id}/{quote(file.name, safe='')}"
