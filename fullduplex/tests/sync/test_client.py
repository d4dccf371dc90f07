"""Connecting, with its options and failures; and whole programs: their end, Ctrl-C, forks."""

from __future__ import annotations

import contextlib
import queue
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import fullduplex.sync
from fullduplex import InvalidStatus, InvalidURI
from fullduplex.aio.server import serve, unix_serve
from fullduplex.exceptions import InvalidProxyStatus
from fullduplex.sync.client import connect, unix_connect

from ..aio.ends import accept_plainly, echo
from ..aio.proxies import Proxy, listening
from .conftest import Server, interrupt, on_a_thread

STRICT = [sys.executable, "-X", "dev", "-W", "error"]
# In this mode asyncio tells of callbacks that took long, as any does on a machine that has much to do.
PRELUDE = """
import logging, sys
from fullduplex.sync import connect
logging.getLogger("asyncio").setLevel(logging.ERROR)
"""


def run(program: str, *arguments: str) -> tuple[int, str, str]:
    """Run a program that has ``connect``; return its status and what it printed."""
    command = [*STRICT, "-c", PRELUDE + program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_names_are_in_both_places() -> None:
    """The package has the names of its client."""
    assert fullduplex.sync.connect is connect


def test_options_pass_through(serving: Any) -> None:
    """The options are those of the asyncio face."""
    with (
        serving(subprotocols=["chat"]) as server,
        connect(server.url, subprotocols=["chat"], additional_headers={"X-Name": "value"}) as connection,
    ):
        assert connection.subprotocol == "chat"
        assert connection.request is not None
        assert connection.request.headers["X-Name"] == "value"


@pytest.mark.parametrize(
    "uri, options, error",
    [
        ("http://localhost/", {}, InvalidURI),
        ("ws://localhost/", {"ssl": True}, ValueError),
        ("ws://localhost/", {"max_queue": 0}, ValueError),
        ("ws://localhost/", {"no_such_option": 1}, TypeError),
    ],
)
def test_bad_options_raise(uri: str, options: dict[str, Any], error: type[Exception]) -> None:
    """What can't be meant raises."""
    with pytest.raises(error):
        connect(uri, proxy=None, **options)


def test_refusal_raises(serving: Any) -> None:
    """A server that refuses makes the connecting fail, and so does none."""
    with serving(process_request=lambda connection, request: connection.respond(403, "no")) as server:
        with pytest.raises(InvalidStatus):
            connect(server.url)
        url = server.url
    with pytest.raises(OSError, match="Connect call failed"):
        connect(url)


def test_opening_times_out(plainly: Any) -> None:
    """A server that doesn't answer is given up in time."""

    async def listen(reader: Any, writer: Any) -> None:
        await reader.read()

    with plainly(listen) as server, pytest.raises(TimeoutError, match="no connection to"):
        connect(server.url, open_timeout=0.01)


def test_opening_can_be_interrupted(plainly: Any) -> None:
    """Ctrl-C while connecting gives the attempt up."""
    gone = threading.Event()

    async def listen(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        interrupt()
        await reader.read()
        gone.set()

    with plainly(listen) as server:
        with pytest.raises(KeyboardInterrupt):
            connect(server.url, open_timeout=None)
        assert gone.wait(30)


def test_late_connection_is_cut(server: Server, interrupt_result: Callable[[], None]) -> None:
    """A connection that was open just when Ctrl-C came is cut, as nobody has it."""
    interrupt_result()
    with pytest.raises(KeyboardInterrupt):
        connect(server.url)
    peer = server.connection()
    server.run(peer.wait_closed)

    assert peer.close_code == 1006


def test_unix_socket_is_connected(tmp_path: Path) -> None:
    """A server on a Unix socket is connected to as by the asyncio face."""

    async def name_path(connection: Any) -> None:
        await connection.send(connection.request.path)

    path = tmp_path / "socket"
    with (
        on_a_thread(lambda: unix_serve(name_path, path), queue.Queue()),
        unix_connect(path, "ws://localhost/chat") as connection,
    ):
        assert connection.recv() == "/chat"


def test_tls_is_spoken(serving: Any, tls: Any) -> None:
    """With ``wss`` there is TLS, for messages of any size; who doesn't trust the server doesn't connect."""
    mine, theirs = tls
    with serving(ssl=mine) as server:
        url = server.url.replace("ws:", "wss:")
        with connect(url, ssl=theirs) as connection:
            for message in ("发送数据", bytes(1_000_000)):
                connection.send(message)
                assert connection.recv() == message
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(url)


@pytest.mark.parametrize("scheme", ["http", "https", "socks4a", "socks5h"])
@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.usefixtures("no_proxies")
def test_proxies_are_gone_through(scheme: str, is_secure: bool, tls: Any) -> None:
    """A proxy of each kind is gone through, with TLS behind it or without, to a name that it alone knows."""
    mine, theirs = tls
    proxy = Proxy(scheme)

    @contextlib.asynccontextmanager
    async def behind_proxy() -> AsyncIterator[Any]:
        async with (
            serve(echo, "localhost", 0, ssl=mine if is_secure else None) as server,
            listening(proxy, mine if scheme == "https" else None),
        ):
            yield server

    options: dict[str, Any] = {"proxy_ssl": theirs} if scheme == "https" else {}
    if is_secure:
        options.update(ssl=theirs, server_hostname="localhost")
    with on_a_thread(behind_proxy, queue.Queue()) as server:
        port = int(server.url.rstrip("/").rpartition(":")[2])
        url = f"{'wss' if is_secure else 'ws'}://only.there:{port}/"
        with connect(url, proxy=proxy.url(), **options) as connection:
            connection.send("发送数据")
            assert connection.recv() == "发送数据"

    assert proxy.asked == [("only.there", port)]


def test_failing_proxy_raises() -> None:
    """A proxy that refuses makes the connecting fail."""
    proxy = Proxy("http", credentials=("someone", "secret"))
    with (
        on_a_thread(lambda: proxy_alone(proxy), queue.Queue()),
        pytest.raises(InvalidProxyStatus, match="407"),
    ):
        connect("ws://only.there/", proxy=proxy.url())


@contextlib.asynccontextmanager
async def proxy_alone(proxy: Proxy) -> AsyncIterator[Any]:
    """Have a proxy listen, and a server that nobody comes to."""
    async with listening(proxy), serve(echo, "localhost", 0) as server:
        yield server


# Programs


def test_exit_closes_connections(server: Server) -> None:
    """At the end of a program what is open is closed as going away, without a word."""
    program = "connection = connect(sys.argv[1])\nconnection.send('hello')\nprint(connection.recv())"

    assert run(program, server.url) == (0, "hello\n", "")
    assert server.connection().protocol.close_exception.received.code == 1001


def test_exit_ends_daemon_threads(server: Server) -> None:
    """Threads that wait for messages don't keep the interpreter, nor complain at its end."""
    program = """
import threading
def receive():
    with connect(sys.argv[1]) as connection:
        started.set()
        for message in connection:
            pass
started = threading.Event()
threading.Thread(target=receive, daemon=True).start()
started.wait()
"""
    assert run(program, server.url) == (0, "", "")


def test_exit_cuts_silent_peer(plainly: Any) -> None:
    """A peer that doesn't answer the closing keeps the interpreter for a second, not for ever."""

    async def accept_and_wait(reader: Any, writer: Any) -> None:
        writer.write(await accept_plainly(reader))
        await reader.read()
        await reader.read()

    with plainly(accept_and_wait) as server:
        program = "connection = connect(sys.argv[1], close_timeout=None)"
        assert run(program, server.url) == (0, "", "")


def test_interrupt_ends_program(server: Server) -> None:
    """Ctrl-C while waiting ends a program as any other, and its connection in order."""
    # Python drops an interrupt that comes while the collector clears weak references, as asyncio has.
    program = """
from fullduplex.sync import connect
import gc, sys
gc.disable()
with connect(sys.argv[1]) as connection:
    print("open", flush=True)
    connection.recv()
"""
    process = subprocess.Popen(
        [*STRICT, "-c", program, server.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()

    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert server.connection().protocol.close_exception.received.code == 1011


@pytest.mark.parametrize("is_open", [True, False])
def test_forked_process_connects_itself(server: Server, is_open: bool) -> None:
    """A forked process has a thread of its own, and leaves its parent's connection and loop alone."""
    program = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
def echo(connection, text):
    connection.send(text)
    print(connection.recv(), flush=True)
connection = connect(sys.argv[1])
if sys.argv[2] == "False":
    connection.close()
    import threading
    [thread.join() for thread in threading.enumerate() if thread.name == "fullduplex"]
child = os.fork()
if not child:
    # Of the parent's idle loop, whose copy isn't closed.
    warnings.simplefilter("ignore", ResourceWarning)
    with connect(sys.argv[1]) as own:
        echo(own, "child")
    connection.close()
    sys.exit()
os.waitpid(child, 0)
if connection.close_code is None:
    echo(connection, "parent")
with connect(sys.argv[1]) as connection:
    echo(connection, "parent again")
"""
    status, output, errors = run(program, server.url, str(is_open))

    assert (status, errors) == (0, "")
    assert output.splitlines() == ["child", *["parent"] * is_open, "parent again"]


def test_coming_back_is_refused() -> None:
    """A connection that comes back isn't for threads, and says so."""
    for way in (connect, unix_connect):
        with pytest.raises(TypeError, match="connect again in a loop"):
            way("ws://localhost/", reconnect=True)
