"""Who has a place on a server, who stays to hear that there is none, and who doesn't."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.aio.admission import Admission, check_limit
from fullduplex.aio.client import connect
from fullduplex.aio.server import serve, unix_serve

from .ends import REQUEST, end, open_plainly, url_of

virtual = pytest.mark.asyncio(loop_factories=["virtual"])

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def seated(admission: Admission, *connections: str) -> list[bool]:
    """Try to give each connection a place; tell which have one."""
    return [admission.take_place(connection) for connection in connections]


def test_places_are_limited() -> None:
    """Whoever comes first has a place; the next ones stay without, up to as many again."""
    admission = Admission(2, None)

    assert [admission.enter(name, "host") for name in "abcde"] == [True, True, True, True, False]
    assert seated(admission, *"abcde") == [True, True, False, False, False]


def test_place_is_free_again() -> None:
    """A place is free when its connection has left, for whoever asks for it first."""
    admission = Admission(1, None)
    for name in "abc":
        admission.enter(name, None)
    admission.leave("a")
    assert seated(admission, *"cb") == [True, False]

    admission.leave("c")
    admission.leave("c")
    assert seated(admission, "b") == [True]
    assert admission.enter("d", None)
    assert seated(admission, "d") == [False]


@pytest.mark.parametrize("host_limit", [None, 1])
def test_settled_connection_keeps_its_place(host_limit: int | None) -> None:
    """Of a connection that has settled no more is remembered than its host, if that counts."""
    admission = Admission(1, host_limit)
    assert admission.enter("a", "host")
    admission.settle("a")
    assert len(admission._hosts) == (host_limit is not None)
    assert admission.enter("b", "other")
    assert seated(admission, "b") == [False]

    admission.leave("a", is_settled=True)
    admission.leave("a")
    assert seated(admission, "b") == [True]
    admission.leave("b")
    assert not admission._hosts
    assert not admission._present
    assert not admission._placed


def test_hosts_are_counted_apart() -> None:
    """The limit of a host is its own; that of all holds as well."""
    admission = Admission(3, 1)

    assert [admission.enter(name, host) for name, host in zip("abcdef", "111223", strict=True)] == [
        True,
        True,
        False,
        True,
        True,
        True,
    ]
    assert seated(admission, *"abcdef") == [True, False, False, True, False, True]


def test_no_host_has_no_limit() -> None:
    """Connections without a host, as on a Unix socket, are only counted together."""
    admission = Admission(None, 1)

    assert [admission.enter(name, None) for name in "abc"] == [True] * 3
    assert seated(admission, *"abc") == [True] * 3


def test_no_limit_counts_nothing() -> None:
    """Without limits everyone has a place."""
    admission = Admission(None, None)

    assert all(admission.enter(number, "host") for number in range(1000))
    assert all(admission.take_place(number) for number in range(1000))


def test_strangers_may_leave() -> None:
    """Who never came takes nobody's place along."""
    admission = Admission(1, 1)
    admission.enter("a", "host")
    admission.leave("b")

    assert admission.enter("c", "host")
    assert seated(admission, "a", "c") == [True, False]


@pytest.mark.parametrize("limit", [0, -1])
def test_limits_are_positive(limit: int) -> None:
    """A server for nobody is a mistake, and told by the option's name."""
    check_limit("max_connections", None)
    check_limit("max_connections", 1)
    with pytest.raises(ValueError, match="max_connections must"):
        Admission(limit, None)
    with pytest.raises(ValueError, match="max_connections_per_host must"):
        Admission(None, limit)


@given(
    steps=st.lists(st.tuples(st.sampled_from(["enter", "ask", "leave"]), st.integers(0, 15)), max_size=80),
    limit=st.integers(1, 5) | st.none(),
    host_limit=st.integers(1, 3) | st.none(),
)
def test_counts_are_those_of_a_list(
    steps: list[tuple[str, int]], limit: int | None, host_limit: int | None
) -> None:
    """Whatever comes and goes, places are given as by counting a list anew each time."""
    admission = Admission(limit, host_limit)
    here: dict[int, bool] = {}

    def host(number: int) -> str | None:
        return None if number < 4 else f"host {number % 4}"

    def may_sit(number: int) -> bool:
        sitting = [other for other, sits in here.items() if sits]
        neighbours = [other for other in sitting if host(other) == host(number)]
        return (limit is None or len(sitting) < limit) and (
            host_limit is None or host(number) is None or len(neighbours) < host_limit
        )

    for step, number in steps:
        if step == "enter" and number not in here:
            here[number] = may_sit(number)
            neighbours = [other for other in here if host(other) == host(number)]
            assert admission.enter(number, host(number)) == (
                (limit is None or len(here) <= 2 * limit)
                and (host_limit is None or host(number) is None or len(neighbours) <= 2 * host_limit)
            )
        elif step == "ask" and number in here:
            here[number] = here[number] or may_sit(number)
            assert admission.take_place(number) == here[number]
        elif step == "leave":
            here.pop(number, None)
            admission.leave(number)

    for number in list(here):
        admission.leave(number)
    assert not admission._present
    assert not admission._placed


# On a server.


class House:
    """A server with limits, and who comes to it."""

    def __init__(self) -> None:
        self.server: Any = None
        self.inside: asyncio.Queue[Any] = asyncio.Queue()
        self.guests: list[End] = []

    async def handle(self, connection: Any) -> None:
        """Keep a connection until it ends."""
        self.inside.put_nowait(connection)
        await connection.wait_closed()

    async def come(self, host: str = "127.0.0.1") -> End:
        """Connect from an address, and say nothing yet."""
        address = self.server.sockets[0].getsockname()[:2]
        guest = await asyncio.open_connection(*address, local_addr=(host, 0))
        self.guests.append(guest)
        return guest

    async def ask(self, guest: End | None = None, host: str = "127.0.0.1") -> bytes:
        """Ask for a WebSocket, and return the response's head."""
        return await open_plainly(*(guest or await self.come(host)))

    async def wait_settled(self) -> None:
        """Wait until everyone who is here is open, handed over or gone."""
        while self.server._opening:
            self.server._ended.clear()
            await self.server._ended.wait()

    async def leave(self, guest: End) -> None:
        """Go away without a word, and wait until the server has noticed."""
        address = guest[1].get_extra_info("sockname")
        [connection] = [other for other in self.server.connections if other.remote_address == address]
        guest[1].transport.abort()
        await connection.wait_closed()


@contextlib.asynccontextmanager
async def house(**options: Any) -> AsyncIterator[House]:
    """Serve with these options, and show everyone out at the end."""
    kept = House()
    async with serve(kept.handle, "127.0.0.1", 0, **options) as kept.server:
        try:
            yield kept
        finally:
            for _, writer in kept.guests:
                await end(writer)


async def test_full_server_says_so() -> None:
    """Beyond ``max_connections`` the answer is 503 with a time to come back, and the end."""
    async with house(max_connections=2) as full:
        first, second = await full.come(), await full.come()
        assert (await full.ask(first)).startswith(b"HTTP/1.1 101 ")
        assert (await full.ask(second)).startswith(b"HTTP/1.1 101 ")
        late = await full.come()
        response = await full.ask(late)
        assert response.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 1\r\n" in response
        assert await late[0].read() == b"There are too many connections.\n"

        await full.leave(first)
        assert (await full.ask()).startswith(b"HTTP/1.1 101 ")
        assert len(full.server.connections) == 2


async def test_opening_ones_are_counted() -> None:
    """A client that hasn't asked for anything yet has a place as well; when it goes, it is free."""
    async with house(max_connections=1) as full:
        _, silent = await full.come()
        late = await full.come()
        assert (await full.ask(late)).startswith(b"HTTP/1.1 503 ")
        for writer in (silent, late[1]):
            await end(writer)
        await full.wait_settled()

        assert (await full.ask()).startswith(b"HTTP/1.1 101 ")


async def test_overfull_server_cuts() -> None:
    """Beyond twice as many, nobody is even told; those with a place don't notice."""
    async with house(max_connections=2) as full:
        inside = await full.come()
        assert (await full.ask(inside)).startswith(b"HTTP/1.1 101 ")
        silent = [await full.come() for _ in range(3)]
        reader, writer = await full.come()
        with contextlib.suppress(ConnectionError):
            writer.write(REQUEST + b"\r\n")
            assert await reader.read() == b""

        assert (await full.ask(silent[0])).startswith(b"HTTP/1.1 101 ")
        assert (await full.ask(silent[1])).startswith(b"HTTP/1.1 503 ")
        assert len(full.server.connections) == 2


async def test_hosts_share_a_server() -> None:
    """Beyond ``max_connections_per_host`` a host is refused, and another one isn't."""
    async with house(max_connections_per_host=1) as shared:
        first = await shared.come("127.0.0.2")
        assert (await shared.ask(first)).startswith(b"HTTP/1.1 101 ")
        assert (await shared.ask(host="127.0.0.2")).startswith(b"HTTP/1.1 503 ")
        assert (await shared.ask(host="127.0.0.3")).startswith(b"HTTP/1.1 101 ")

        await shared.leave(first)
        assert (await shared.ask(host="127.0.0.2")).startswith(b"HTTP/1.1 101 ")


@virtual
async def test_silent_surplus_is_cut() -> None:
    """Who has no place and asks for nothing is cut at the open time-out like any other."""
    async with house(max_connections=1, open_timeout=7) as full:
        assert (await full.ask()).startswith(b"HTTP/1.1 101 ")
        begun = asyncio.get_running_loop().time()
        reader, _ = await full.come()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        assert (await full.ask()).startswith(b"HTTP/1.1 503 ")


@virtual
async def test_stubborn_surplus_is_cut() -> None:
    """Who is refused and doesn't go is cut, and doesn't keep others from being told."""
    async with house(max_connections=1, open_timeout=7) as full:
        assert (await full.ask()).startswith(b"HTTP/1.1 101 ")
        for _ in range(5):
            assert (await full.ask()).startswith(b"HTTP/1.1 503 ")
            await asyncio.sleep(8)

        assert len(full.server._opening) == 0


async def test_refused_free_their_place() -> None:
    """A handshake that fails gives its place back."""
    async with house(max_connections=1) as full:
        for _ in range(3):
            reader, writer = await full.come()
            writer.write(b"nonsense\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            await end(writer)
        await full.wait_settled()
        assert (await full.ask()).startswith(b"HTTP/1.1 101 ")


async def test_closed_free_their_place() -> None:
    """So does a connection that closes in good order, as many as there may be."""
    async with house(max_connections=3) as full:
        for _ in range(10):
            async with connect(url_of(full.server)):
                connection = await full.inside.get()
            await connection.wait_closed()

        assert not full.server._admission._present


async def test_unix_sockets_have_no_hosts(tmp_path: Path) -> None:
    """All who come through a Unix socket aren't one host."""
    house = House()
    async with unix_serve(house.handle, tmp_path / "s", max_connections_per_host=1, max_connections=2):
        guests = []
        for number in range(3):
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(str(tmp_path / str(number)))
            sock.connect(str(tmp_path / "s"))
            sock.setblocking(False)
            guests.append(await asyncio.open_unix_connection(sock=sock))
        answers = [await open_plainly(*guest) for guest in guests]
        for _, writer in guests:
            await end(writer)

    assert [answer[:13] for answer in answers] == [b"HTTP/1.1 101 ", b"HTTP/1.1 101 ", b"HTTP/1.1 503 "]


class Page(asyncio.Protocol):
    """Keeps its connection and says nothing."""


class Pages:
    """Answers requests for pages."""

    async def startup(self, create_protocol: Any) -> None:
        """Be ready."""

    def create_protocol(self) -> asyncio.Protocol:
        """Make the protocol of a page."""
        return Page()

    async def shutdown(self) -> None:
        """Be done."""


async def test_pages_take_no_place() -> None:
    """What is handed over to HTTP is no longer counted, and is served by a full server too."""
    async with house(max_connections=1, http=Pages()) as full:
        for _ in range(5):
            _, writer = await full.come()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await full.wait_settled()
        assert (await full.ask()).startswith(b"HTTP/1.1 101 ")
        _, writer = await full.come()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        assert (await full.ask()).startswith(b"HTTP/1.1 503 ")


async def test_limits_are_checked_early() -> None:
    """A wrong limit is told before anything listens."""
    for name in ("max_connections", "max_connections_per_host"):
        with pytest.raises(ValueError, match=name):
            serve(House().handle, "localhost", 0, **{name: 0})
