"""Conversations in scripts: what goes in, what comes out, and with which status they end."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.cli.piped import AHEAD, split

from ..aio.ends import echo, obey
from .commands import run, serving, start
from .screens import terminal


@pytest.mark.parametrize(
    "words, typed, output",
    [
        ([], "发送数据\n\nlast".encode(), "发送数据\n\nlast\n"),
        ([], b"", ""),
        ([], b"\xff?\n", "\ufffd?\n"),
        (["--whole"], b"a\nb\n", "a\nb\n\n"),
        (["--delimiter", r"\0"], b"a\nb\0c", "a\nb\0c\0"),
        (["--delimiter", ", "], b"a, b", "a, b, "),
        (["--binary"], b"\xc3\xa9\n", "é\n"),
        (["--hex"], b"00 fF\n41", "00 ff\n41\n"),
        (["--json"], b'{"a":[1.0]}\n{', '{\n  "a": [\n    1.0\n  ]\n}\n{\n'),
        (["--no-compression", "--show", "1", "--no-history"], b"x", "x\n"),
    ],
)
async def test_messages_pass_through(words: list[str], typed: bytes, output: str) -> None:
    """Each part of the input is a message, and each that arrives is output, with nothing else."""
    async with serving(echo) as url:
        assert await run("connect", url, *words, "--wait", "0.2", typed=typed) == (0, output, "")


@given(st.lists(st.binary(), max_size=20), st.sampled_from([b"\n", b"\r\n", b"aa", b"aab"]))
def test_split_is_as_if_at_once(chunks: list[bytes], delimiter: bytes) -> None:
    """However input is cut on its way, its parts are those of the whole."""
    expected = b"".join(chunks).split(delimiter)
    if not expected[-1]:
        expected.pop()

    assert list(split(chunks, delimiter)) == expected


async def test_count_ends_it() -> None:
    """After as many messages as are wanted it closes, though there would be more, and the input goes on."""
    closed = asyncio.get_running_loop().create_future()

    async def count(connection: Any) -> None:
        for number in range(5):
            await connection.send(str(number))
        await connection.wait_closed()
        closed.set_result(connection.close_code)

    async with serving(count) as url:
        process = await start("connect", url, "--count", "3")
        output, complaints = await process.stdout.read(), await process.stderr.read()
        assert await process.wait() == 0
        process.stdin.close()

    assert (output, complaints) == (b"0\n1\n2\n", b"")
    assert await closed == 1000


async def test_missing_messages_are_told() -> None:
    """If fewer arrive than are wanted, the status is 3, and how many lack is told."""
    async with serving(echo) as url:
        status, output, complaints = await run("connect", url, "--count", "3", "--wait", "0", typed=b"x\n")

    assert (status, output) in [(3, ""), (3, "x\n")]
    assert complaints.endswith("of the messages that --count wants had not arrived.\n")


async def test_input_may_be_empty() -> None:
    """Without an end to wait for, it takes what the server sends until that closes."""

    async def talk(connection: Any) -> None:
        await connection.send("one")
        await connection.send(b"two")
        await connection.close(1001)

    async with serving(talk) as url:
        assert await run("connect", url, "--wait", "none") == (0, "one\ntwo\n", "")


@pytest.mark.parametrize(
    "typed, status, complaint",
    [
        (b"close 1000 x\n", 0, ""),
        (b"close 1001 x\n", 0, ""),
        (
            b"close 4001 why\n",
            3,
            "fullduplex: closed: received 4001 (private use) why; then sent 4001 (private use) why.\n",
        ),
        (
            b"close 1011 \n",
            3,
            "fullduplex: closed: received 1011 (internal error); then sent 1011 (internal error).\n",
        ),
    ],
)
async def test_close_codes_become_statuses(typed: bytes, status: int, complaint: str) -> None:
    """A normal close is 0; a code that tells of an error is 3, and told."""
    async with serving(obey) as url:
        assert await run("connect", url, "--wait", "none", typed=typed) == (status, "", complaint)


async def test_lost_connection_is_error() -> None:
    """A connection that is cut is told, and is 3."""

    async def cut(connection: Any) -> None:
        connection.abort()

    async with serving(cut) as url:
        status, output, complaints = await run("connect", url, "--wait", "none")

    assert (status, output) == (3, "")
    assert complaints.startswith("fullduplex: closed: no close frame received or sent")


async def test_large_messages_are_refused() -> None:
    """A message over the limit fails the connection, and the option that allows for it is named."""

    async def talk(connection: Any) -> None:
        await connection.send("x" * 11)
        await connection.wait_closed()

    async with serving(talk) as url:
        status, _, complaints = await run("connect", url, "--max-size", "10", "--wait", "none")

        assert status == 3
        assert "exceeds the limit of 10 bytes; --max-size allows for more." in complaints
        assert await run("connect", url, "--max-size", "11", "--count", "1") == (0, "xxxxxxxxxxx\n", "")


async def test_wrong_hex_is_told() -> None:
    """Input that isn't hex digits is told with its place, after what came before it was sent."""
    received: list[Any] = []

    async def note(connection: Any) -> None:
        received.extend([message async for message in connection])

    async with serving(note) as url:
        status, output, complaints = await run("connect", url, "--hex", typed=b"41\nxy\n42\n")

    assert (status, output, received) == (1, "", [b"A"])
    assert complaints == (
        "fullduplex: message 2 of the input can't be sent: "
        "bytes are written as pairs of hex digits, like 00 ff.\n"
    )


async def test_gone_reader_is_borne() -> None:
    """When nobody reads the output any more, it closes quietly."""
    closed = asyncio.get_running_loop().create_future()

    async def talk(connection: Any) -> None:
        try:
            for number in itertools.count():
                await connection.send(f"{number} {'x' * 1000}")
                # Others have their turn, however much the socket takes.
                await asyncio.sleep(0)
        finally:
            closed.set_result(None)

    async with serving(talk) as url:
        process = await start("connect", url)
        assert (await process.stdout.readline()).startswith(b"0 x")
        process.stdout._transport.close()

        assert await process.wait() == 0
        assert await process.stderr.read() == b""
        process.stdin.close()
        await closed


async def test_full_disks_are_told() -> None:
    """If the output can't be written, why is told, and the status is 1."""
    async with serving(echo) as url:
        full = os.open("/dev/full", os.O_WRONLY)
        process = await start("connect", url, stdout=full)
        os.close(full)
        _, complaints = await process.communicate(b"x\n")

    assert process.returncode == 1
    assert complaints == b"fullduplex: can't write what arrives: no space left on device.\n"


async def test_interrupt_ends_it() -> None:
    """Ctrl-C ends it at once, though the input is silent; the server is told 1001, the shell 130."""
    gone = asyncio.get_running_loop().create_future()

    async def wait(connection: Any) -> None:
        await connection.send("ready")
        await connection.wait_closed()
        gone.set_result(connection.close_code)

    async with serving(wait) as url:
        process = await start("connect", url)
        await process.stdout.readline()
        process.send_signal(signal.SIGINT)

        assert await process.wait() == 130
        process.stdin.close()
        assert await process.stderr.read() == b""
        assert await gone == 1001


async def test_pings_are_told_aside() -> None:
    """With --ping, what pings took is told on standard error."""

    async def wait(connection: Any) -> None:
        await connection.wait_closed()

    async with serving(wait) as url:
        process = await start("connect", url, "--ping", "60")
        line = (await process.stderr.readline()).decode()
        process.stdin.close()

        assert await process.stdout.read() == b""
        assert await process.wait() == 0
    assert line.startswith("fullduplex: pong after ")


async def test_input_is_read_a_little_ahead() -> None:
    """A server that takes nothing stops the reading of the input, not only the sending."""
    taken = asyncio.Event()
    received: list[Any] = []

    async def slow(connection: Any) -> None:
        await taken.wait()
        received.extend([message async for message in connection])

    async with serving(slow, max_queue=1) as url:
        process = await start("connect", url, "--no-compression", "--wait", "0")
        lines = 40 * AHEAD
        line = b"x" * 2**16 + b"\n"
        writing = asyncio.create_task(_write(process, line, lines))
        done, _ = await asyncio.wait([writing], timeout=0.5)
        assert not done
        taken.set()
        await writing

        assert await process.wait() == 0
    assert len(received) == lines


async def _write(process: Any, line: bytes, count: int) -> None:
    for _ in range(count):
        process.stdin.write(line)
        await process.stdin.drain()
    process.stdin.close()


async def test_terminal_output_is_safe() -> None:
    """With input from a pipe and output on a terminal, messages are shown, and don't command it."""

    async def talk(connection: Any) -> None:
        await connection.send("a\x1b[2Jb")
        await connection.send(b"\x00A")
        await connection.close()

    async with (
        serving(talk) as url,
        terminal("connect", url, stdin=asyncio.subprocess.PIPE) as (screen, process),
    ):
        await screen.shows(
            r"a\x1b[2Jb",
            "binary, 2 bytes",
            "  00000000  00 41                                            |.A|",
        )
        assert await process.wait() == 0
        process.stdin.close()
