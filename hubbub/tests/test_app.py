"""The chat put together: what starts, what is told when it can't, and what is left when it stops."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import msgspec
import pytest
from faults.postgresql import PostgreSQL

from fullduplex import ConnectionClosedError, InvalidStatus, connect
from hubbub.app import CHORES_INTERVAL, DATABASE, EXPIRY_INTERVAL, StartError, _limits, now, run_chat
from hubbub.client.guests import websocket_address
from hubbub.config import Settings
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.policies import GUEST_BURST, SESSION_LIFETIME
from hubbub.realtime.bucket import Rate
from hubbub.realtime.turnstile import Limits

from .conftest import LoopClock


async def test_chat_answers_where_it_says(settings: Settings) -> None:
    """The address that is given is the one to open."""
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.get("/healthz")

    assert address.startswith("http://127.0.0.1:")
    assert answer.json() == {"status": "ok"}
    assert "server" not in answer.headers


async def test_stop_closes_the_door_first(settings: Settings) -> None:
    """Who is there is told to come back and nobody is let in any more; no client learns what serves it."""
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(run_chat(settings))
        url = address.replace("http", "ws") + "/v1/realtime"
        connection = await connect(url, subprotocols=["hubbub.v1"], ping_interval=None)
        assert connection.response is not None
        stopping = asyncio.create_task(stack.aclose())
        bye = json.loads(await connection.recv())
        with pytest.raises(OSError):
            await connect(url, subprotocols=["hubbub.v1"])
        await stopping
        await connection.wait_closed()

    assert "Server" not in connection.response.headers
    assert (bye["code"], connection.close_code) == (1012, 1012)


def find_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


async def test_metrics_have_a_port_of_their_own(settings: Settings) -> None:
    """What is counted is shown at another port, and nowhere else; there nothing else is shown."""
    port = find_port()
    shown = msgspec.structs.replace(settings, metrics_port=port)
    async with run_chat(shown) as address, httpx.AsyncClient() as client:
        public = await client.get(f"{address}/metrics")
        metrics = await client.get(f"http://127.0.0.1:{port}/metrics")
        ready = await client.get(f"http://127.0.0.1:{port}/readyz")
        page = await client.get(f"http://127.0.0.1:{port}/v1/me")
        with pytest.raises(InvalidStatus, match="404"):
            await connect(f"ws://127.0.0.1:{port}/v1/realtime")

    assert (public.status_code, page.status_code) == (404, 404)
    assert 'hubbub_http_requests_total{method="GET",route="/{name}",status="404"} 1.0' in metrics.text
    assert ready.json() == {"status": "ok"}


async def test_taken_metrics_port_is_told(settings: Settings) -> None:
    """What is wrong with the other port is told as its own."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = await start(msgspec.structs.replace(settings, metrics_port=port))

    assert said == f"Port {port} is in use. Stop what uses it, or choose another with --metrics-port."


async def test_drain_is_told_before_the_door_closes(settings: Settings, loop_clock: LoopClock) -> None:
    """Who sends people here learns that it stops while they can still come, and until the last has gone."""
    port = find_port()
    slow = msgspec.structs.replace(settings, metrics_port=port, drain_delay=600)
    async with AsyncExitStack() as stack, httpx.AsyncClient() as client:
        address = await stack.enter_async_context(run_chat(slow))
        before = await client.get(f"{address}/readyz")
        stopping = asyncio.create_task(stack.aclose())
        await loop_clock.settle()
        told = [await client.get(f"{each}/readyz") for each in (address, f"http://127.0.0.1:{port}")]
        let_in = await client.post(f"{address}/v1/guests", json={"name": "Ann"})
        await loop_clock.advance(600)
        await stopping

    assert before.json() == {"status": "ok"}
    assert [(each.status_code, each.json()) for each in told] == [(503, {"status": "draining"})] * 2
    assert let_in.status_code == 201


async def name_after_restart(settings: Settings) -> str:
    """Let Ann in, start the chat anew, and return what she is called then."""
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address) as client:
        await client.post("/v1/guests", json={"name": "Ann"})
        cookies = client.cookies
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address, cookies=cookies) as client:
        name = (await client.get("/v1/me")).json()["me"]["name"]
    return str(name)


async def test_second_start_finds_the_first(settings: Settings) -> None:
    """Whoever was let in is still someone after a new start."""
    assert await name_after_restart(settings) == "Ann"


async def test_stopped_chat_leaves_nothing_open(settings: Settings) -> None:
    """Folder and port are free after a stop, and the log has gone into the database file."""
    async with run_chat(settings) as address:
        pass

    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    left = {path.name for path in settings.folder.iterdir()}
    assert left == {DATABASE, "hubbub.lock", "setup-code"}


async def test_log_is_private(settings: Settings) -> None:
    """In a folder that others may look into, they can't read what people say."""
    settings.folder.mkdir(mode=0o755)
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address) as client:
        await client.post("/v1/guests", json={"name": "Ann"})
        modes = {path.name: path.stat().st_mode & 0o077 for path in settings.folder.glob(f"{DATABASE}*")}

    assert modes == {DATABASE: 0, f"{DATABASE}-wal": 0, f"{DATABASE}-shm": 0}


@pytest.mark.parametrize(
    "host,address",
    [("0.0.0.0", "http://localhost:"), ("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")],
)
async def test_address_can_be_opened(tmp_path: Path, host: str, address: str) -> None:
    """Whatever is listened on, the address is one that a browser takes."""
    async with run_chat(Settings(host=host, port=0, data=str(tmp_path))) as opened:
        assert opened.startswith(address)


async def test_public_address_is_the_one(tmp_path: Path) -> None:
    """Behind a proxy, the address to open is the proxy's."""
    async with run_chat(Settings(port=0, data=str(tmp_path), public_url="https://chat.example/")) as opened:
        assert opened == "https://chat.example"


async def test_own_names_are_served(settings: Settings) -> None:
    """The chat is there by this machine's name, and not by one that somebody has given its address."""
    names = ["localhost", socket.gethostname(), "evil.test"]
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address) as client:
        answers = [await client.get("/v1/me", headers={"Host": name}) for name in names]

    assert [answer.status_code for answer in answers] == [401, 401, 403]


async def test_public_name_is_served(settings: Settings) -> None:
    """With a public address, the chat is there by that name alone."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    behind = Settings(port=port, data=settings.data, public_url="https://chat.example")
    async with run_chat(behind), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        public = await client.get("/v1/me", headers={"Host": "chat.example"})
        near = await client.get("/v1/me")

    assert (public.status_code, near.status_code) == (401, 403)


async def test_guests_are_counted_by_connection(settings: Settings) -> None:
    """A flood of guests is stopped, whatever its requests say of where they come from."""
    statuses: list[int] = []
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address) as client:
        # However slow the machine is, requests come in faster than places for guests come back.
        while len(statuses) < 10 * GUEST_BURST and 429 not in statuses:
            sender = {"X-Forwarded-For": f"192.0.2.{len(statuses) % 256}"}
            answer = await client.post("/v1/guests", json={"name": "Bot"}, headers=sender)
            statuses.append(answer.status_code)
            client.cookies.clear()

    assert len(statuses) > GUEST_BURST
    assert set(statuses[:GUEST_BURST]) == {201}
    assert statuses[-1] == 429


async def start(settings: Settings) -> str:
    """Try to start, and return why it can't be."""
    with pytest.raises(StartError) as caught:
        async with run_chat(settings):
            pass
    return str(caught.value)


async def test_taken_port_is_told(settings: Settings) -> None:
    """Of a port that is in use it is said what to do, and nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = await start(Settings(port=port, data=settings.data))

    assert said == f"Port {port} is in use. Stop what uses it, or choose another with --port."
    async with run_chat(settings):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
async def test_strange_host_is_told(settings: Settings, host: str) -> None:
    """An address that isn't this machine's can't be listened on."""
    said = await start(Settings(host=host, port=0, data=settings.data))

    assert said == f"{host} is no address of this machine. Choose another with --host."


async def test_used_folder_is_told(settings: Settings) -> None:
    """Two servers can't share a folder."""
    async with run_chat(settings):
        said = await start(settings)

    assert said == (
        f"Can't start: another hubbub is using the data folder {settings.data}. "
        "Choose another folder with --data."
    )


async def test_useless_folder_is_told(tmp_path: Path) -> None:
    """Where no folder can be, nothing can be kept."""
    (tmp_path / "file").touch()

    said = await start(Settings(port=0, data=str(tmp_path / "file")))

    assert "can't be written to" in said
    assert said.endswith("Choose another folder with --data.")


async def test_junk_is_told(settings: Settings) -> None:
    """A file that is no database is not touched."""
    settings.folder.mkdir()
    (settings.folder / DATABASE).write_bytes(b"junk" * 999)

    said = await start(settings)

    assert said == (
        f"Can't start: {settings.folder / DATABASE} can't be used (file is not a database). "
        "Choose another folder with --data."
    )


async def test_stop_ends_streams(settings: Settings) -> None:
    """Who listens by HTTP hears events as they happen, and a whole end when the chat stops."""
    async with httpx.AsyncClient() as client, AsyncExitStack() as stack:
        address = await stack.enter_async_context(run_chat(settings))
        token = (await client.post(f"{address}/v1/guests", json={"name": "Ann"})).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        async with client.stream("GET", f"{address}/v1/stream") as stream:
            lines = stream.aiter_lines()
            resets = [line async for line in aislice(lines, 8) if line.startswith("data")]
            nonce = {"Idempotency-Key": "nonce-01"}
            await client.post(f"{address}/v1/s/r_lobby/messages", json={"text": "hi"}, headers=nonce)
            event = [line async for line in aislice(lines, 3) if line.startswith("data")]
            await stack.aclose()
            rest = [line async for line in lines if line]

    assert len(resets) == 2
    assert "nonce-01" in event[0]
    assert rest == []


async def aislice(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    """Yield the first lines."""
    for _ in range(count):
        yield await anext(lines)


async def test_chat_runs_on_postgresql(settings: Settings, postgresql: PostgreSQL) -> None:
    """With a database of PostgreSQL's, what is said isn't in the folder; there, too, one server is enough."""
    await postgresql.make("chat")
    url = postgresql.address("chat")

    assert await name_after_restart(msgspec.structs.replace(settings, database=url)) == "Ann"
    assert not (settings.folder / DATABASE).exists()


@pytest.mark.parametrize(
    "database,said",
    [
        ("postgresql://localhost:1/chat", "postgresql://localhost:1/chat can't be used ("),
        ("postgresql://localhost:many/chat", "its address makes no sense"),
    ],
)
async def test_missing_server_is_told(settings: Settings, database: str, said: str) -> None:
    """Where no PostgreSQL is, the chat doesn't start."""
    told = await start(Settings(port=0, data=settings.data, database=database))

    assert said in told
    assert told.endswith("Look at --database.")


async def test_missing_driver_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hasn't installed the driver learns how to."""
    monkeypatch.setitem(sys.modules, "hubbub.storage.postgresql", None)

    told = await start(Settings(port=0, data=settings.data, database="postgresql://localhost/chat"))

    assert "pip install 'hubbub[postgresql]'" in told


@pytest.mark.parametrize("trusted,codes", [("", [None, 4005]), ("127.0.0.0/8", [None, None])])
async def test_proxies_name_who_connects(settings: Settings, trusted: str, codes: list[int | None]) -> None:
    """Only behind a trusted proxy are connections counted for the addresses that it names."""
    narrow = msgspec.structs.replace(settings, address_connections=1, trusted_proxies=trusted)
    async with run_chat(narrow) as address, httpx.AsyncClient(base_url=address) as client:
        token = (await client.post("/v1/guests", json={"name": "Ann"})).json()["token"]
        hello = json.dumps({"t": "hello", "client": {"name": "test", "ver": "1"}, "token": token})
        url = websocket_address(address)
        async with AsyncExitStack() as stack:
            said = []
            for sender in ("192.0.2.1", "192.0.2.2"):
                headers = {"X-Forwarded-For": sender}
                opening = connect(url, subprotocols=["hubbub.v1"], additional_headers=headers)
                connection = await stack.enter_async_context(opening)
                # One too many is told so at once.
                with suppress(ConnectionClosedError):
                    await connection.send(hello)
                said.append(json.loads(await connection.recv()))

    assert [each.get("code") for each in said] == codes


def test_time_is_in_milliseconds() -> None:
    """The clock counts milliseconds since 1970."""
    assert 1_700_000_000_000 < now() < 10_000_000_000_000


async def test_expired_session_is_parted_from(
    settings: Settings, loop_clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is connected when their session's time is over is cut off within a minute, by HTTP as well."""
    ahead = 0
    monkeypatch.setattr("hubbub.app.now", lambda: now() + ahead)
    async with run_chat(settings) as address, httpx.AsyncClient(base_url=address, timeout=5) as client:
        token = (await client.post("/v1/guests", json={"name": "Ann"})).json()["token"]
        hello = json.dumps({"t": "hello", "client": {"name": "test", "ver": "1"}, "token": token})
        url = websocket_address(address)
        headers = {"Authorization": f"Bearer {token}"}
        client.cookies.clear()
        async with (
            connect(url, subprotocols=["hubbub.v1"], ping_interval=None) as connection,
            client.stream("GET", "/v1/stream", headers=headers) as stream,
        ):
            await connection.send(hello)
            await connection.recv()
            ahead = SESSION_LIFETIME * 1000
            await loop_clock.advance(EXPIRY_INTERVAL)
            with suppress(ConnectionClosedError):
                while True:
                    said = json.loads(await connection.recv())
            async for _ in stream.aiter_text():
                pass
        refused = await client.get("/v1/me", headers=headers)

    assert (said["t"], said["code"], said["retry"]) == ("bye", 4100, "reauth")
    assert refused.status_code == 401


async def test_chores_are_done_now_and_then(
    settings: Settings, loop_clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each day the chat tidies up; what can't be done is left for the next time, and the rest is done."""
    done: list[str] = []
    troubles = [ChatError(Code.UNAVAILABLE), ValueError("what nobody thought of")]

    async def forget(_database: object, _bus: object) -> None:
        done.append("forget")

    async def trim(_database: object) -> None:
        done.append("trim")

    async def trim_deeds(_database: object) -> None:
        done.append("deeds")

    async def trim_links(_database: object) -> None:
        done.append("links")

    async def audit(_database: object) -> None:
        done.append("audit")
        raise troubles.pop(0)

    async def collect(_database: object, _shelf: object) -> None:
        done.append("collect")

    async def optimize(_database: object) -> None:
        done.append("optimize")

    monkeypatch.setattr("hubbub.app.Database.optimize", optimize)
    async with run_chat(settings):
        monkeypatch.setattr("hubbub.app.forget_sessions", forget)
        monkeypatch.setattr("hubbub.app.trim_inboxes", trim)
        monkeypatch.setattr("hubbub.app.trim_audit", trim_deeds)
        monkeypatch.setattr("hubbub.app.trim_invites", trim_links)
        monkeypatch.setattr("hubbub.app.audit_marks", audit)
        monkeypatch.setattr("hubbub.app.collect_orphans", collect)
        await loop_clock.advance(EXPIRY_INTERVAL)
        await loop_clock.advance(CHORES_INTERVAL - EXPIRY_INTERVAL - 30)
        before = list(done)
        await loop_clock.advance(31)
        await loop_clock.advance(CHORES_INTERVAL + 1)

    assert before == ["forget", "forget"]
    daily = ["trim", "deeds", "links", "audit", "collect", "optimize"]
    assert [each for each in done if each != "forget"] == daily * 2
    assert "left for the next time" in caplog.text
    assert "nobody thought of" in caplog.text


async def test_limits_are_set(settings: Settings) -> None:
    """What settings say of limits holds for who connects."""
    narrow = msgspec.structs.replace(settings, write_burst=7, user_connections=1)
    async with run_chat(narrow) as address, httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/v1/guests", json={"name": "Ann"})
        token = answer.cookies["hubbub_session"]
        hello = json.dumps({"t": "hello", "client": {"name": "test", "ver": "1"}, "token": token})
        url = websocket_address(address)
        async with connect(url, subprotocols=["hubbub.v1"]) as first:
            await first.send(hello)
            welcome = json.loads(await first.recv())
            async with connect(url, subprotocols=["hubbub.v1"]) as second:
                await second.send(hello)
                bye = json.loads(await second.recv())

    assert (welcome["limits"]["burst"], bye["code"]) == (7, 4005)


def test_every_limit_is_a_setting() -> None:
    """Each limit is one that can be set, and unless it is, it is the same as without settings."""
    chosen = {
        name: n
        for n, name in enumerate((field.name for field in msgspec.structs.fields(Settings)), 1)
        if name.endswith(("burst", "per_second", "connections")) or name == "file_bytes"
    }
    limits = _limits(Settings(**chosen))
    numbers = [number for limit in limits for number in (limit if isinstance(limit, Rate) else [limit])]

    assert sorted(numbers) == sorted(chosen.values())
    assert _limits(Settings()) == Limits()
