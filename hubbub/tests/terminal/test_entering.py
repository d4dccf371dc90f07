"""Coming in."""

from __future__ import annotations

import asyncio
import urllib.error
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from hubbub.client import who_is
from hubbub.terminal.entering import Asking, EntryError, check_address, enter, explain
from hubbub.terminal.keeping import Kept
from hubbub.terminal.words import EN, ZH


class Person:
    """Someone who is asked."""

    def __init__(self, **answers: str) -> None:
        self.asked: list[str] = []
        self._answers = answers
        self.asking = Asking(
            lambda text: self._answer("name", text), lambda text: self._answer("secret", text)
        )

    def _answer(self, kind: str, text: str) -> str:
        self.asked.append(text)
        return self._answers[kind]


@pytest.fixture
def kept(tmp_path: Path, address: str) -> Kept:
    """Return what is kept of the chat: nothing yet."""
    return Kept(tmp_path / "state", address)


async def come(
    address: str, kept: Kept, person: Person, name: str | None = None, username: str | None = None
) -> tuple[str, str]:
    """Come in; return by what name, and who one is in the chat then."""
    who, token = await enter(address, kept, EN, person.asking, name=name, username=username)
    return who, (await who_is(address, token)).id


async def test_guest_is_asked_once(address: str, kept: Kept) -> None:
    """Who comes for the first time is asked for a name, and is the same guest afterwards."""
    person = Person(name="Ann")
    first = await come(address, kept, person)
    again = await come(address, kept, person)

    assert person.asked == ["Your name in the chat"]
    assert first == again
    assert first[0] == "Ann"


async def test_names_have_their_sessions(address: str, kept: Kept) -> None:
    """One can be several guests; without a name one is the last."""
    person = Person()
    ann = await come(address, kept, person, "Ann")
    bo = await come(address, kept, person, "Bo")

    assert ann != bo
    assert await come(address, kept, person, "Ann") == ann
    assert await come(address, kept, person) == ann


async def test_ended_session_is_begun_anew(address: str, kept: Kept) -> None:
    """Whose session has ended is a new guest of the same name, without being asked."""
    person = Person()
    first = await come(address, kept, person, "Ann")
    kept.keep("Ann", "nobody's any more")
    second = await come(address, kept, person)

    assert (second[0], person.asked) == ("Ann", [])
    assert second[1] != first[1]


async def test_account_has_a_password(address: str, kept: Kept) -> None:
    """Who has an account is asked for its password, once; a wrong one is told."""
    body = b'{"username": "ann", "password": "correct horse", "name": "Ann"}'
    request = Request(f"{address}/v1/accounts", body, {"Content-Type": "application/json"}, method="POST")
    await asyncio.to_thread(lambda: urlopen(request).close())
    with pytest.raises(EntryError, match="no such username with this password"):
        await come(address, kept, Person(secret="wrong"), username="ann")
    person = Person(secret="correct horse")
    first = await come(address, kept, person, username="ann")

    assert (first[0], person.asked) == ("@ann", ["Password of ann"])
    assert await come(address, kept, person) == first
    kept.keep("@ann", "nobody's any more")
    assert await come(address, kept, person) == first
    assert person.asked == ["Password of ann"] * 2


async def test_bad_name_is_told(address: str, kept: Kept) -> None:
    """What the chat says of a name is told, and nothing is kept."""
    with pytest.raises(EntryError, match="This name can't be used: "):
        await come(address, kept, Person(), "\u202e")
    assert kept.last() is None


async def test_missing_chat_is_told_first(tmp_path: Path) -> None:
    """Where no chat is, nobody is asked for anything."""
    person = Person()
    with pytest.raises(EntryError, match=r"^http://127\.0\.0\.1:1 can't be reached \(.*refused\)"):
        await come("http://127.0.0.1:1", Kept(tmp_path, "x"), person)
    assert person.asked == []


async def test_other_servers_are_told(tmp_path: Path) -> None:
    """What answers, and is something else, is no chat."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<p>no")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(EntryError, match="is no hubbub chat"):
            await come(url, Kept(tmp_path, "x"), Person())


@pytest.mark.parametrize("url", ["chat.example", "ftp://x", ""])
def test_addresses_are_checked(url: str) -> None:
    """What can't be an address is told without asking anybody."""
    with pytest.raises(EntryError, match="begin with http"):
        check_address(url, EN)


@pytest.mark.parametrize(
    "error, said",
    [
        (
            urllib.error.URLError(OSError(101, "Network is unreachable")),
            "can't be reached (Network is unreachable).",
        ),
        (urllib.error.URLError("unknown url type"), "can't be reached (unknown url type)."),
        (TimeoutError("timed out"), "can't be reached (timed out)."),
        (OSError("x isn't a chat's"), "is no hubbub chat."),
    ],
)
def test_errors_are_sentences(error: OSError, said: str) -> None:
    """Whatever goes wrong is told in one sentence."""
    assert explain("http://x", error, EN) == f"http://x {said}"
    assert explain("http://x", error, ZH) != explain("http://x", error, EN)
