"""Files over HTTP: taken from whoever may write, given to whoever may read, and harmless in any browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hubbub.domain.policies import UPLOAD_PATIENCE, UPLOADS_AT_ONCE
from hubbub.endpoints import files as endpoint

from ..files import contents
from .test_messages import ROOM, nonce

FILES = "/v1/files"
LOBBY = {"s": "r_lobby"}
GIF = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
MOST = 64 * 1024

# By what name they come, what they are, and by which type they are given out.
HOSTILE = {
    "script.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "page.html": b"<!doctype html><script>alert(1)</script>",
    "picture.png": b"<html><script>alert(1)</script>",
    "style.css": b"body { background: red }",
    "data.xml": b"<?xml version='1.0'?><x xmlns:h='http://www.w3.org/1999/xhtml'><h:script/></x>",
    "module.js": b"alert(1)",
    "paper.pdf": b"%PDF-1.7",
    "program.exe": b"MZ\0\0",
}


async def upload(client: httpx.AsyncClient, content: bytes = b"tea", **query: str) -> dict[str, Any]:
    """Upload a file, and return what is told of it."""
    answer = await client.post(FILES, params=LOBBY | {"name": "a.txt"} | query, content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def get(client: httpx.AsyncClient, file: dict[str, Any], **options: Any) -> httpx.Response:
    """Ask for a file."""
    return await client.get(f"{FILES}/{file['id']}/x", **options)


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return why something isn't done."""
    return answer.status_code, answer.json()["error"]["code"]


async def test_file_comes_and_goes(ann, enter) -> None:
    """What one uploads and sends, the room has, in its messages and from its address; nobody else has it."""
    file = await upload(ann, name="茶.txt", alt="what we drink")
    bob = await enter("Bob")
    assert (await get(bob, file)).status_code == 404

    await ann.post(ROOM, json={"text": "", "files": [file["id"]]}, headers=nonce("1"))
    [message] = (await bob.get(ROOM)).json()["msgs"]
    answer = await get(bob, file)

    assert file | {"id": 0} == {
        "id": 0, "name": "茶.txt", "type": "text/plain", "size": 3, "alt": "what we drink",
    }  # fmt: skip
    assert message["files"] == [file]
    assert answer.content == b"tea"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_.txt\"; filename*=UTF-8''%E8%8C%B6.txt"
    )


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_could_run_is_only_kept(ann, name: str) -> None:
    """What a browser could run is given out as bytes to be kept, whatever it says that it is."""
    answer = await get(ann, await upload(ann, HOSTILE[name], name=name))

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_picture_is_shown(ann) -> None:
    """A picture is given out as what it is, large and small, as harmless as all else."""
    file = await upload(ann, GIF, name="dot.html")
    whole, small = await get(ann, file), await get(ann, file, params={"thumb": 96})

    assert (file["type"], file["w"], file["h"]) == ("image/gif", 1, 1)
    assert (whole.headers["content-type"], whole.content) == ("image/gif", GIF)
    assert whole.headers["content-disposition"].startswith("inline;")
    assert (small.headers["content-type"], small.content[8:12]) == ("image/webp", b"WEBP")
    assert "sandbox" in small.headers["content-security-policy"]
    for size in ("97", "../x", ""):
        assert (await get(ann, file, params={"thumb": size})).status_code == 422
    assert (await get(ann, await upload(ann), params={"thumb": 96})).status_code == 404


async def test_file_is_asked_for_in_part_and_once(ann) -> None:
    """A part can be asked for; who has it already isn't given it again, and nobody between keeps it."""
    file = await upload(ann, b"0123456789")

    part = await get(ann, file, headers={"Range": "bytes=2-4"})
    whole = await get(ann, file)
    again = await get(ann, file, headers={"If-None-Match": whole.headers["etag"]})

    assert (part.status_code, part.content) == (206, b"234")
    assert (await get(ann, file, headers={"Range": "bytes=20-"})).status_code == 416
    assert (again.status_code, again.content) == (304, b"")
    assert whole.headers["cache-control"] == "private, max-age=86400, immutable"


async def test_file_is_for_who_is_signed_in(ann, program, browser) -> None:
    """Who is nobody neither uploads nor reads; another page's script can't upload for whom it visits."""
    file = await upload(ann)

    assert code(await program.post(FILES, params=LOBBY, content=b"x")) == (401, "unauthorized")
    assert code(await get(program, file)) == (401, "unauthorized")
    await browser.post("/v1/guests", json={"name": "Eve"})
    foreign = await browser.post(FILES, params=LOBBY, content=b"x", headers={"Origin": "http://evil.test"})
    assert code(foreign) == (403, "forbidden")
    assert (await browser.post(FILES, params=LOBBY, content=b"x")).status_code == 201


async def test_size_is_bounded(ann, store) -> None:
    """A byte too many is refused: at once where it is said, and when it comes where it isn't."""

    async def unsaid() -> AsyncIterator[bytes]:
        yield bytes(MOST)
        yield b"x"

    said = await ann.post(FILES, params=LOBBY, content=bytes(MOST + 1))
    counted = await ann.post(FILES, params=LOBBY, content=unsaid())

    assert code(said) == code(counted) == (413, "too_long")
    assert contents(store.shelf.folder) == []
    await upload(ann, bytes(MOST))


async def test_space_is_bounded(ann) -> None:
    """Who has used up their space is told so."""
    await upload(ann, bytes(MOST))

    full = await ann.post(FILES, params=LOBBY, content=bytes(MOST))

    assert code(full) == (507, "storage_full")
    assert "together" in full.json()["error"]["msg"]


async def test_uploads_are_counted(ann) -> None:
    """One may upload so often, and so many at once."""
    gate, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> AsyncIterator[bytes]:
        begun.release()
        await gate.wait()
        yield b"tea"

    async def send(content: Any = b"tea") -> int:
        return (await ann.post(FILES, params=LOBBY, content=content)).status_code

    under_way = [asyncio.create_task(send(slow())) for _ in range(UPLOADS_AT_ONCE)]
    for _ in under_way:
        await begun.acquire()
    assert await send() == 429
    gate.set()

    assert await asyncio.gather(*under_way) == [201] * UPLOADS_AT_ONCE
    assert [await send() for _ in range(3)] == [201, 201, 429]


@pytest.mark.parametrize("alone", [True, False])
async def test_cut_upload_leaves_nothing(application, ann, store, alone: bool) -> None:
    """A connection that is cut midway, or that says nothing more, leaves nothing."""
    messages = [{"type": "http.request", "body": b"tea", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        if alone:
            return {"type": "http.disconnect"}
        return await asyncio.Event().wait()

    sent = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"chat.test"), (b"authorization", ann.headers["authorization"].encode())]
    scope = {
        "type": "http", "method": "POST", "path": FILES, "raw_path": FILES.encode(), "scheme": "http",
        "query_string": b"s=r_lobby", "headers": headers, "client": ("127.0.0.1", 1), "http_version": "1.1",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoint, "UPLOAD_PATIENCE", UPLOAD_PATIENCE if alone else 0.01)
        await application(scope, receive, send)

    assert sent[0]["status"] == 422
    assert contents(store.shelf.folder) == []


async def test_file_is_described_and_discarded(ann) -> None:
    """What it shows is said before it is sent; what isn't sent can go."""
    file = await upload(ann)
    at = f"{FILES}/{file['id']}"

    assert (await ann.patch(at, json={"alt": "a cup"})).status_code == 204
    assert code(await ann.patch(at, json={"alt": "x" * 1_001})) == (422, "invalid")
    assert (await ann.delete(at)).status_code == 204
    assert code(await ann.delete(at)) == code(await get(ann, file)) == (404, "not_found")


@pytest.mark.parametrize(
    "name", ["../../x", "..%2f..%2fx", "%00", "x" * 300, "\u202egpj.exe", "👩‍💻", "CON", ""]
)
async def test_names_lead_nowhere(ann, store, name: str) -> None:
    """Whatever a file is called, its place is by its id, and its name can't break out of a header."""
    file = await upload(ann, name=name)
    answer = await get(ann, file)

    assert contents(store.shelf.folder) == [file["id"]]
    assert answer.content == b"tea"
    assert answer.headers["content-disposition"].isascii()
    for path in ("..", f"{file['id']}/../../x", "..%2f..%2fetc%2fpasswd", "f_%00"):
        assert (await ann.get(f"{FILES}/{path}/x")).status_code == 404
