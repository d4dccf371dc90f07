"""The fullduplex command, as people run it: in a process of its own, and in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import socket
import struct
import sys
import termios
import zlib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from fullduplex import __version__, connect, serve
from fullduplex.cli import main
from fullduplex.exceptions import ConnectionClosedError
from fullduplex.kernels import frame_head
from fullduplex.protocol.frames import FrameReader

from .aio.ends import REQUEST, end

# Debugging would have its own complaints.
ENVIRONMENT = {**os.environ, "PYTHONUTF8": "1", "PYTHONASYNCIODEBUG": ""}

faces = pytest.mark.parametrize("face", ["asyncio", "event"])


async def start(*arguments: str, **options: Any) -> Process:
    """Start the command, with pipes."""
    options = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE, "env": ENVIRONMENT, **options}
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "fullduplex", *arguments, **options)


async def run(*arguments: str, typed: bytes = b"") -> tuple[int | None, str, str]:
    """Run the command to its end; return its status, output and complaints."""
    process = await start(*arguments)
    output, complaints = await process.communicate(typed)
    return process.returncode, output.decode(), complaints.decode()


@contextlib.asynccontextmanager
async def echoing(*arguments: str) -> AsyncIterator[str]:
    """Run ``fullduplex echo`` on a free port; give the address that it prints, and interrupt it."""
    async with echoing_process(*arguments) as (url, _):
        yield url


@contextlib.asynccontextmanager
async def echoing_process(*arguments: str) -> AsyncIterator[tuple[str, Process]]:
    """Do the same, and give the process as well."""
    process = await start("echo", "--port", "0", *arguments)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    match = re.fullmatch(r"Echoing on (ws://localhost:\d+/) — Ctrl-C stops\.\n", line)
    assert match is not None
    try:
        yield match[1], process
    finally:
        process.send_signal(signal.SIGINT)
        output, complaints = await process.communicate()

    assert (process.returncode, output, complaints) == (0, b"", b"")


@contextlib.asynccontextmanager
async def serving(handler: Any, **options: Any) -> AsyncIterator[str]:
    """Serve in this process; give the address."""
    async with serve(handler, "localhost", 0, **options) as server:
        yield f"ws://localhost:{server.sockets[0].getsockname()[1]}/"


# echo


@faces
async def test_echo_sends_back(face: str) -> None:
    """Text and binary come back on any path."""
    async with echoing("--face", face) as url, connect(url + "any/path?x=y") as connection:
        for message in ("发送数据", b"\x00\xff", "", "x" * 100_000):
            await connection.send(message)
            assert await connection.recv() == message


@faces
async def test_fanout_goes_to_everyone(face: str) -> None:
    """A message to /fanout goes to every connection there, its sender too, and to no other."""
    async with (
        echoing("--face", face) as url,
        connect(url + "fanout") as one,
        connect(url + "fanout") as two,
        connect(url) as other,
    ):
        await one.send("hello")
        await two.recv()
        await two.send(b"all")
        await other.send("apart")

        assert [await one.recv(), await one.recv()] == ["hello", b"all"]
        assert await two.recv() == b"all"
        assert await other.recv() == "apart"


@faces
async def test_fanout_forgets_leavers(face: str) -> None:
    """Who has left /fanout disturbs nobody."""
    async with echoing("--face", face) as url, connect(url + "fanout") as one:
        async with connect(url + "fanout"):
            pass
        await one.send("still here")

        assert await one.recv() == "still here"


@faces
async def test_echo_options_work(face: str) -> None:
    """Compression can be declined, and the size of messages chosen."""
    async with echoing("--face", face) as url, connect(url) as connection:
        assert "Sec-WebSocket-Extensions" in connection.response.headers
    limited = ("--no-compression", "--max-size", "10", "--transport", "asyncio")
    async with echoing("--face", face, *limited) as url, connect(url) as connection:
        assert "Sec-WebSocket-Extensions" not in connection.response.headers
        await connection.send("x" * 11)
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.recv()
        assert caught.value.code == 1009
    async with (
        echoing("--face", face, "--max-size", "none") as url,
        connect(url, max_size=None) as connection,
    ):
        await connection.send(bytes(2**21))
        assert await connection.recv() == bytes(2**21)


def memory_of(process: Process, name: str) -> int:
    """Return what the system says of a process's memory: VmRSS now, or VmHWM at most so far, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) * 1024


async def exchange(url: str, deflate: bool, head: bytes, block: bytes, count: int, last: bytes) -> int:
    """Send a head, blocks and the last bytes; return how many bytes the message has that comes back."""
    host, port = url.removeprefix("ws://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**18)
    writer.write(
        REQUEST + (b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if deflate else b"") + b"\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")

    async def send() -> None:
        writer.write(head)
        for _ in range(count):
            writer.write(block)
            await writer.drain()
        writer.write(last)

    sending = asyncio.create_task(send())
    frames = FrameReader(masked=False, rsv=0x40 if deflate else 0)
    inflate = zlib.decompressobj(-15)
    size, is_ended = 0, False
    while not is_ended:
        for piece in frames.receive(await reader.read(2**18)):
            size += len(inflate.decompress(piece.payload) if deflate else piece.payload)
            is_ended = piece.fin and piece.ends_frame
    await sending
    await end(writer)
    return size


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflated"])
async def test_stream_needs_no_memory(deflate: bool) -> None:
    """A message of any size in one frame is sent back while it arrives, and memory doesn't grow with it."""
    mebibytes = int(os.environ.get("STREAM_MEBIBYTES", "256"))
    block, last = bytes(2**20), b""
    if deflate:
        # Each block by itself, so that all are the same; a message's last four bytes aren't sent (7.2.1).
        compressor = zlib.compressobj(wbits=-15)
        block = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
        last = block[:-4]
    else:
        last = block
    length = len(block) * (mebibytes - 1) + len(last)
    # Masked with a key of zeros, the payload stays what it is.
    head = frame_head(0xC2 if deflate else 0x82, length, bytes(4))
    async with echoing_process("--stream", "--max-size", "none") as (url, process):
        assert await exchange(url, deflate, frame_head(head[0], len(last), bytes(4)), b"", 0, last) == 2**20
        before = memory_of(process, "VmRSS")

        assert await exchange(url, deflate, head, block, mebibytes - 1, last) == mebibytes * 2**20
        most, after = memory_of(process, "VmHWM"), memory_of(process, "VmRSS")
        print(
            f"{mebibytes} MiB: {before >> 10} KiB before, {most >> 10} KiB at most, {after >> 10} KiB after"
        )
        assert most - before < 4 * 2**20


async def test_stream_is_for_coroutines() -> None:
    """The event face, which gets messages whole, says that it can't stream."""
    status, output, complaint = await run("echo", "--face", "event", "--stream")

    assert (status, output) == (1, "")
    assert complaint.startswith("fullduplex: the event face gets messages whole")


@faces
async def test_echo_ends_by_signals(face: str) -> None:
    """SIGTERM ends it too: connections are told, and the status is 0."""
    process = await start("echo", "--port", "0", "--face", face)
    line = (await process.stdout.readline()).decode()
    async with connect(line.split()[2]) as connection:
        process.terminate()
        await connection.wait_closed()

        assert connection.close_code == 1001
    assert await process.wait() == 0


# Complaints.


@faces
async def test_taken_port_is_told(face: str) -> None:
    """A port that is taken is told in one sentence that says what to do."""
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        status, output, complaint = await run("echo", "--port", str(port), "--face", face)

    assert (status, output) == (1, "")
    assert complaint == (
        f"fullduplex: can't listen on localhost port {port}: address already in use; "
        "choose another with --port or --host.\n"
    )


async def test_unknown_host_is_told() -> None:
    """So is a host that nobody knows, to serve on or to connect to."""
    for arguments in (
        ["echo", "--host", "nobody.invalid", "--port", "0"],
        ["connect", "ws://nobody.invalid/"],
    ):
        status, output, complaint = await run(*arguments)

        assert (status, output) == (1, "")
        assert re.fullmatch(r"fullduplex: can't .*nobody\.invalid.*: [a-z ,]+[;.].*\n", complaint)


async def test_native_transport_is_told() -> None:
    """What this build doesn't have, it says."""
    status, _, complaint = await run("echo", "--transport", "native")

    assert status == 1
    assert complaint == ("fullduplex: this build has no native transport; use --transport auto or asyncio.\n")


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["echo", "--port", "x"], "x isn't a port; use a number from 0 to 65535"),
        (["echo", "--port", "65536"], "65536 isn't a port; use a number from 0 to 65535"),
        (["echo", "--max-size", "0"], "0 isn't a size; use a number of bytes, or none"),
        (["echo", "--max-size", "1k"], "1k isn't a size; use a number of bytes, or none"),
        (["echo", "--face", "sad"], "invalid choice: 'sad'"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["connect"], "the following arguments are required: URL"),
        ([], "the following arguments are required: COMMAND"),
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_told(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong argument is told with what would be right; the status is 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert problem in capsys.readouterr().err


def test_help_names_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """The help has a line for each command, and the version is told."""
    for arguments, expected in (
        (["--help"], ["echo", "connect"]),
        (["echo", "--help"], ["--host", "--port", "--face", "--transport", "--no-compression", "--max-size"]),
        (["connect", "--help"], ["URL", "Ctrl-D"]),
        (["--version"], [f"fullduplex {__version__}"]),
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        said = capsys.readouterr().out

        assert caught.value.code == 0
        assert [word for word in expected if word not in said] == []


async def test_bad_connections_are_told() -> None:
    """Why a connection can't be opened is one sentence, and the status 1."""

    async def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "no\n")

    with socket.create_server(("127.0.0.1", 0)) as probe:
        absent = f"ws://127.0.0.1:{probe.getsockname()[1]}/"
    async with serving(refuse, process_request=refuse) as url:
        secure = url.replace("ws:", "wss:")
        expected = {
            "http://localhost/": "http://localhost/ isn't a valid WebSocket URI: the scheme isn't ws or wss; "
            "write it like ws://localhost:9998/echo.",
            absent: f"can't connect to {absent}: connection refused.",
            url: f"can't connect to {url}: server rejected the WebSocket connection: HTTP 403.",
            secure: f"can't connect to {secure}: TLS failed: ",
        }
        for address, complaint in expected.items():
            status, output, said = await run("connect", address)

            assert (status, output) == (1, "")
            assert said.startswith(f"fullduplex: {complaint}")
            assert said.count("\n") == 1


# connect


async def echo(connection: Any) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def test_piped_lines_are_sent() -> None:
    """Each line is a message; after the last one the answers are waited for, and the connection closed."""
    async with serving(echo) as url:
        status, output, complaints = await run("connect", url, typed="发送数据\n\nlast".encode())

    assert (status, complaints) == (0, "")
    assert output.splitlines() == [
        f"· connected to {url}; type to send, Ctrl-D closes",
        "< 发送数据",
        "< ",
        "< last",
        "· closed: sent 1000 (OK); then received 1000 (OK)",
    ]


async def test_garbage_is_shown_as_such() -> None:
    """Input that isn't UTF-8 is sent as what can be read of it."""

    async def take(connection: Any) -> None:
        await connection.send(await connection.recv())

    async with serving(take) as url:
        _, output, complaints = await run("connect", url, typed=b"\xff?\n")

    assert complaints == ""
    assert "< \ufffd?" in output.splitlines()


async def test_everything_is_shown() -> None:
    """Text, binary, pings and how it closed are shown; an error's status is 1."""

    async def talk(connection: Any) -> None:
        assert await connection.recv() == "go"
        await (await connection.ping(b"?"))
        await (await connection.ping(b""))
        await connection.send("two\nlines")
        await connection.send(b"")
        await connection.send(b"\x00")
        await connection.send(bytes(range(40)))
        await connection.close(4000, "enough")

    async with serving(talk) as url:
        process = await start("connect", url)
        process.stdin.write(b"go\n")
        output = (await process.stdout.read()).decode()
        process.stdin.close()
        status = await process.wait()

    assert status == 1
    first_32 = " ".join(f"{number:02x}" for number in range(32))
    assert output.splitlines()[1:] == [
        "· ping 1 byte: 3f",
        "· ping empty",
        "< two",
        "lines",
        "< binary, empty",
        "< binary, 1 byte: 00",
        f"< binary, 40 bytes: {first_32} …",
        "· closed: received 4000 (private use) enough; then sent 4000 (private use) enough",
    ]


async def test_clean_ends_are_success() -> None:
    """A server that goes away cleanly is no error."""

    async def leave(connection: Any) -> None:
        await connection.close(1001)

    async with serving(leave) as url:
        process = await start("connect", url)

        assert await process.wait() == 0
        process.stdin.close()


async def test_lost_connection_is_error() -> None:
    """A connection that is cut is shown as such."""

    async def cut(connection: Any) -> None:
        connection.abort()

    async with serving(cut) as url:
        process = await start("connect", url)
        output = (await process.stdout.read()).decode()
        process.stdin.close()

        assert await process.wait() == 1
        assert output.endswith("· closed: no close frame received or sent\n")


# In a terminal.


class Terminal:
    """A terminal with a program in it: what is typed goes in, and what it shows can be read."""

    CONTROL = re.compile(r"\x1b(?:\[(\d*)([A-Z])|([78D]))|([\r\n\b])|(\x1b.?)|([^\x1b\r\n\b]+)")

    def __init__(self, rows: int, columns: int) -> None:
        self.columns = columns
        self.lines = [""] * rows
        self.row = self.column = 0
        self._saved = (0, 0)
        self._text = ""
        self._arrived = asyncio.Event()
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.slave = slave

    def read(self) -> None:
        """Take what the program shows."""
        with contextlib.suppress(OSError):
            self._text += os.read(self.master, 65536).decode()
            while match := self.CONTROL.match(self._text):
                if match[5] or (match.end() == len(self._text) and self._text.endswith("\x1b[")):
                    break
                self._text = self._text[match.end() :]
                self._show(match)
        self._arrived.set()

    def _show(self, match: re.Match[str]) -> None:
        count = int(match[1] or 1)
        command = match[2] or match[3] or match[4]
        if command == "A":
            self.row = max(self.row - count, 0)
        elif command == "B":
            self.row = min(self.row + count, len(self.lines) - 1)
        elif command == "K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif command == "L":
            self.lines[self.row : self.row] = [""] * count
            del self.lines[-count:]
        elif command == "7":
            self._saved = (self.row, self.column)
        elif command == "8":
            self.row, self.column = self._saved
        elif command == "\r":
            self.column = 0
        elif command in ("\n", "D"):
            self._next_row()
        elif match[6]:
            for character in match[6]:
                self._put(character)

    def _next_row(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.row -= 1
            self.lines = [*self.lines[1:], ""]

    def _put(self, character: str) -> None:
        assert character.isprintable()
        if self.column == self.columns:
            self.column = 0
            self._next_row()
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
        self.column += 1

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    async def shows(self, *lines: str) -> None:
        """Wait until the screen ends with these lines."""
        while True:
            shown = [line.rstrip() for line in self.lines if line]
            if shown[-len(lines) :] == list(lines):
                return
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), 10)
            except TimeoutError:
                pytest.fail(f"the screen shows {shown}")


@contextlib.asynccontextmanager
async def terminal(
    *arguments: str, rows: int = 8, columns: int = 60
) -> AsyncIterator[tuple[Terminal, Process]]:
    """Run the command in a terminal."""
    screen = Terminal(rows, columns)
    process = await start(*arguments, stdin=screen.slave, stdout=screen.slave, stderr=screen.slave)
    os.close(screen.slave)
    loop = asyncio.get_running_loop()
    loop.add_reader(screen.master, screen.read)
    try:
        yield screen, process
    finally:
        loop.remove_reader(screen.master)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(screen.master)


async def test_terminal_converses() -> None:
    """What is typed is sent at the line's end, what arrives is shown; Ctrl-D closes, with status 0."""
    async with serving(echo) as url, terminal("connect", url, columns=80) as (screen, process):
        await screen.shows(f"· connected to {url}; type to send, Ctrl-D closes", ">")
        screen.type("hello\n")
        await screen.shows("> hello", "< hello", ">")
        screen.type("你好\n")
        await screen.shows("> hello", "< hello", "> 你好", "< 你好", ">")
        screen.type("\x04")
        assert await process.wait() == 0

        await screen.shows("< 你好", "· closed: sent 1000 (OK); then received 1000 (OK)")
        assert screen.column == 0


async def test_arrivals_spare_typed_line() -> None:
    """What arrives while a line is being typed is shown above it, however long, on a full screen as well."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def note(connection: Any) -> None:
        arrived.put_nowait(connection)
        async for message in connection:
            arrived.put_nowait(message)

    async with serving(note) as url, terminal("connect", url, rows=6, columns=20) as (screen, _):
        connection = await arrived.get()
        await screen.shows(">")
        screen.type("half a ")
        await screen.shows("> half a")
        await connection.send("first")
        await screen.shows("< first", "> half a")
        await connection.send("second, which is longer than a line")
        await screen.shows("< first", "< second, which is l", "onger than a line", "> half a")
        for number in range(8):
            await connection.send(str(number))
        await screen.shows("< 3", "< 4", "< 5", "< 6", "< 7", "> half a")
        screen.type("line\n")

        assert await arrived.get() == "half a line"


async def test_terminal_is_not_commanded() -> None:
    """What a peer sends can't move the cursor: controls are shown as what they are, Chinese in its width."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def note(connection: Any) -> None:
        arrived.put_nowait(connection)
        await connection.wait_closed()

    async with serving(note) as url, terminal("connect", url, columns=100) as (screen, _):
        connection = await arrived.get()
        await screen.shows(">")
        await connection.send("a\x1b[2Jb\x07c\ttab\r\ntwo")

        await screen.shows(r"< a\x1b[2Jb\x07c\x09tab", "two", ">")


async def test_pongs_are_shown() -> None:
    """A pong that nobody asked for is shown as well."""
    arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def note(connection: Any) -> None:
        arrived.put_nowait(connection)
        await connection.wait_closed()

    async with serving(note) as url, terminal("connect", url, columns=100) as (screen, _):
        connection = await arrived.get()
        await screen.shows(">")
        await connection.pong(b"beat")

        await screen.shows("· pong after 0 ms", ">")


async def test_interrupt_ends_terminal() -> None:
    """Ctrl-C ends it at once, with the status that shells give it."""
    gone = asyncio.get_running_loop().create_future()

    async def wait(connection: Any) -> None:
        await connection.wait_closed()
        gone.set_result(connection.close_code)

    async with serving(wait) as url:
        process = await start("connect", url)
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)

        assert await process.wait() == 130
        process.stdin.close()
        assert await process.stderr.read() == b""
        await gone
