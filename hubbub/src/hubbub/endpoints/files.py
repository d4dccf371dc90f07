"""Files: taking them in, and giving them out so that nothing that somebody uploaded runs as our page's.

Invariants:

1. Whether somebody may have a file is looked up each time they ask.
2. A file is given out by its own type only if that can't carry a script; any other is for keeping.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from hubbub.actions.change_file import describe_file, discard_file
from hubbub.actions.find_file import find_file
from hubbub.actions.upload_file import Store, upload_file
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.filetypes import ANYTHING, PICTURES, SHOWN
from hubbub.domain.models import StoredFile, User
from hubbub.domain.policies import UPLOAD_PATIENCE, UPLOADS_AT_ONCE
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.body import read_body
from hubbub.endpoints.errors import answer
from hubbub.endpoints.query import read_id, read_query
from hubbub.realtime import showing
from hubbub.realtime.bucket import Buckets
from hubbub.storage.database import Database
from hubbub.wire import http

FILES: Final = "/v1/files"
FILE: Final = f"{FILES}/{{id}}"
CONTENT: Final = f"{FILE}/{{name}}"

# Nothing in it is loaded, runs, or has our origin, whatever a browser takes it for.
_HARMLESS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BODY: Final = 32 * 1024
# A file never changes, but who may have it does: nobody else keeps it, and not even a browser for ever.
_KEPT: Final = "private, max-age=86400, immutable"


class Files:
    """The endpoints for files."""

    def __init__(self, database: Database, store: Store, admission: Admission, uploads: Buckets) -> None:
        self._database = database
        self._store = store
        self._admission = admission
        self._uploads = uploads
        self._under_way: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        return [
            Route(FILES, self.upload, methods=["POST"]),
            Route(FILE, self.describe, methods=["PATCH"]),
            Route(FILE, self.discard, methods=["DELETE"]),
            Route(CONTENT, self.show, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Store a file."""
        user = await self._admission.caller(request, writes=False)
        asked = read_query(request, http.UploadQuery)
        self._check_length(request)
        with self._count(user):
            content = _read(request)
            file = await upload_file(
                self._database, self._store, user, asked.s, asked.name, content, asked.alt
            )
        return answer(showing.file(file), 201)

    def _check_length(self, request: Request) -> None:
        """Refuse at once what says itself that it is too long; it is counted as well."""
        most = self._store.file_bytes
        length = request.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > most:
            raise ChatError(Code.TOO_LONG, f"A file has at most {most} bytes.")

    @contextmanager
    def _count(self, user: User) -> Iterator[None]:
        if self._under_way[user.id] >= UPLOADS_AT_ONCE:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=1)
        if (wait := self._uploads.take(user.id, asyncio.get_running_loop().time())) > 0:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=wait)
        self._under_way[user.id] += 1
        try:
            yield
        finally:
            self._under_way[user.id] -= 1
            # Nobody is remembered who has nothing under way.
            self._under_way += Counter()

    async def describe(self, request: Request) -> Response:
        """Say in words what a file shows."""
        user = await self._admission.caller(request, writes=False)
        new = await read_body(request, http.Description, "a text", _BODY)
        await describe_file(self._database, user, read_id(request, "id"), new.alt)
        return Response(status_code=204)

    async def discard(self, request: Request) -> Response:
        """Let a file go that no message has."""
        user = await self._admission.caller(request, writes=False)
        await discard_file(self._database, user, read_id(request, "id"))
        return Response(status_code=204)

    async def show(self, request: Request) -> Response:
        """Give out a file, or a small picture of it; what it is called in the address doesn't matter."""
        # A page of history may have hundreds of pictures: they aren't counted as what somebody asks for.
        user = await self._admission.again(request)
        asked = read_query(request, http.FileQuery)
        file = await find_file(self._database, user, read_id(request, "id"))
        path = self._store.shelf.place(file.attachment.id, asked.thumb)
        return await asyncio.to_thread(_give, request, file, path, asked.thumb)


async def _read(request: Request) -> AsyncIterator[bytes]:
    chunks = aiter(request.stream())
    try:
        while True:
            async with asyncio.timeout(UPLOAD_PATIENCE):
                chunk = await anext(chunks)
            yield chunk
    except StopAsyncIteration:
        return
    except TimeoutError:
        raise ChatError(Code.INVALID, "The upload takes too long.") from None
    except ClientDisconnect:
        raise ChatError(Code.INVALID, "The upload was cut off.") from None


def _give(request: Request, file: StoredFile, path: Path, thumbnail: int | None) -> Response:
    kind = file.attachment.type if thumbnail is None else "image/webp"
    if (thumbnail is not None and file.attachment.type not in PICTURES) or not path.is_file():
        raise ChatError(Code.NOT_FOUND)
    tag = f'"{file.digest}{"" if thumbnail is None else f"-{thumbnail}"}"'
    headers = _HARMLESS | {"Cache-Control": _KEPT, "Vary": "Cookie, Authorization", "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = _disposition(file.attachment.name, shown=kind in SHOWN)
    return FileResponse(path, headers=headers, media_type=kind if kind in SHOWN else ANYTHING)


def _disposition(name: str, *, shown: bool) -> str:
    # The name itself for those who know how to read it, and a plain one for those who don't.
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    how = "inline" if shown else "attachment"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
