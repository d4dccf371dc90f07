"""Connecting, with its options and failures; and whole programs: their end, Ctrl-C, forks."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fullduplex.sync
from fullduplex import InvalidStatus, InvalidURI
from fullduplex.aio.server import unix_serve
from fullduplex.sync.client import connect, unix_connect

from ..aio.ends import accept_plainly
from .conftest import Server, interrupt, on_a_thread

STRICT = [sys.executable, "-X", "dev", "-W", "error"]


def run(program: str, *arguments: str) -> tuple[int, str, str]:
    """Run a program that has ``connect``; return its status and what it printed."""
    command = [*STRICT, "-c", f"import sys\nfrom fullduplex.sync import connect\n{program}", *arguments]
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
    program = """
from fullduplex.sync import connect
import sys
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
