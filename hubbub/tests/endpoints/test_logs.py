"""What the log says, and what it never says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from fullduplex import ConnectionClosed, connect
from hubbub.app import run_chat
from hubbub.client.guests import websocket_address
from hubbub.config import Settings
from hubbub.endpoints.logs import Kind, Level, hide_secrets, start_logging
from hubbub.endpoints.traffic import request_id
from hubbub.storage.database import Database

Start = Callable[..., io.StringIO]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what begins to log, as nothing did before; in the end all is as it was."""
    root, ours = logging.getLogger(), logging.getLogger("hubbub")
    levels = root.level, ours.level

    handlers: list[logging.Handler] = []

    def start(kind: Kind, level: Level = "debug") -> io.StringIO:
        stream = io.StringIO()
        handlers.append(start_logging(kind, level, stream))
        return stream

    yield start
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def test_line_is_an_object(start: Start) -> None:
    """Each line is one object, whatever is in a message, and has what belongs to it by name."""
    stream = start("json")
    request_id.set("abc")
    try:
        raise ValueError("wrong\nthing")
    except ValueError:
        logging.getLogger("hubbub.test").exception("it\nfailed: %d", 7, extra={"fields": {"status": 500}})
    request_id.set("")
    [line] = stream.getvalue().splitlines()
    told = json.loads(line)

    assert told["time"].endswith("+00:00")
    assert told["error"].endswith("ValueError: wrong\nthing")
    assert {key: told[key] for key in ("level", "logger", "message", "request", "status")} == {
        "level": "error",
        "logger": "hubbub.test",
        "message": "it\nfailed: 7",
        "request": "abc",
        "status": 500,
    }


def test_line_is_for_people(start: Start) -> None:
    """Otherwise it is a sentence, behind which the request's name stands."""
    stream = start("text")
    request_id.set("abc")
    logging.getLogger("hubbub.test").info("it works")
    request_id.set("")

    assert stream.getvalue().endswith(" INFO hubbub.test: it works [abc]\n")


@pytest.mark.parametrize("level,heard", [("debug", "dc"), ("info", "ic"), ("warning", "wc"), ("error", "ec")])
def test_level_is_for_what_is_ours(start: Start, level: Level, heard: str) -> None:
    """What others tell below a warning isn't heard: frames and statements have what people say."""
    stream = start("text", level)
    for name in ("hubbub.x", "fullduplex.server", "sqlalchemy.engine"):
        logger = logging.getLogger(name)
        logger.debug("%s.d", name)
        logger.info("%s.i", name)
    logging.getLogger("hubbub.x").warning("x.w")
    logging.getLogger("hubbub.x").error("x.e")
    logging.getLogger("hubbub.x").critical("x.c")
    said = [line.rpartition(".")[2] for line in stream.getvalue().splitlines()]

    assert said == list("diwec"["diwec".index(heard[0]) :])


@pytest.mark.parametrize(
    "text,shown",
    [
        ("Authorization: Bearer s3cret", "Authorization: Bearer ***"),
        ("Cookie: a=1; hubbub_session=s3cret; b=2", "Cookie: a=1; hubbub_session=***; b=2"),
        ('{"token": "s3cret","password":"s3cret"}', '{"token": "***","password":"***"}'),
        ("GET /invite/s3cret HTTP/1.1", "GET /invite/*** HTTP/1.1"),
        ("at postgresql://ann:s3cret@db/chat", "at postgresql://ann:***@db/chat"),
        ("unique\nDETAIL:  Key (x)=(s3cret)\nHINT: y", "unique\nDETAIL: ***\nHINT: y"),
        ("https://chat.example/r/r_lobby", "https://chat.example/r/r_lobby"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    """What lets somebody in is made out wherever it is."""
    assert hide_secrets(text) == shown


@pytest.mark.parametrize("kind", ["text", "json"])
async def test_nobody_is_given_away(
    settings: Settings, start: Start, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever people do and whatever fails, no token, password, name or text is in the log."""
    stream = start(kind)
    database: list[Database] = []
    old = Database.__init__

    def remember(self: Database, *arguments: object) -> None:
        database.append(self)
        old(self, *arguments)

    monkeypatch.setattr(Database, "__init__", remember)
    secrets = ["pass-s3cret-word", "s3cret-text", "s3cret-name", "s3cret-nonce"]
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address) as client:
        account = {"username": "ann", "password": secrets[0], "name": secrets[2]}
        token = (await client.post("/v1/accounts", json=account)).json()["token"]
        secrets += [token, *client.cookies.values()]
        bearer = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets[3]}
        client.cookies.clear()
        await client.post("/v1/session", json=account | {"password": secrets[0] + "!"})
        await client.get(f"/invite/{secrets[1]}?token={token}")
        sync = database[0]._engines.writing.sync_engine

        def fail(_connection: object) -> None:
            raise OperationalError("INSERT", {"text": secrets[1]}, OSError("disk I/O error"), True)

        event.listen(sync, "commit", fail)
        failed = await client.post("/v1/s/r_lobby/messages", json={"text": secrets[1]}, headers=bearer)
        event.remove(sync, "commit", fail)

        def mistake(*_: object) -> None:
            raise RuntimeError("what nobody thought of")

        monkeypatch.setattr("hubbub.endpoints.own.answer", mistake)
        broken = await client.get("/v1/me", headers=bearer)
        async with connect(websocket_address(address), subprotocols=["hubbub.v1"]) as connection:
            await connection.send(json.dumps({"t": "hello", "client": {}, "token": token}))
            with suppress(ConnectionClosed):
                while True:
                    await connection.recv()
    said = stream.getvalue()

    assert (failed.status_code, broken.status_code) == (503, 500)
    assert "disk I/O error" in said
    assert "what nobody thought of" in said
    assert broken.headers["x-request-id"] in said
    assert [secret for secret in secrets if secret in said] == []
