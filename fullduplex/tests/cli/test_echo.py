"""``fullduplex echo``: in a process of its own, with both faces."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import zlib
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from fullduplex import connect
from fullduplex.exceptions import ConnectionClosedError
from fullduplex.kernels import frame_head
from fullduplex.protocol.frames import FrameReader

from ..aio.ends import REQUEST, end
from .commands import echoing, echoing_process, run, start

faces = pytest.mark.parametrize("face", ["asyncio", "event"])


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
    limited = ("--no-compression", "--max-size", "10")
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
    """So is a host that nobody knows."""
    status, output, complaint = await run("echo", "--host", "nobody.invalid", "--port", "0")

    assert (status, output) == (1, "")
    assert re.fullmatch(r"fullduplex: can't listen on nobody\.invalid.*: [a-z ,]+; .*\n", complaint)
