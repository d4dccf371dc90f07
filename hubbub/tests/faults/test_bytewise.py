"""Frames that are made by hand, as a server takes them that is made by others."""

from __future__ import annotations

import pytest
from faults.bytewise import ABNORMAL, frame, reach

from fullduplex import ConnectionClosed, ServerConnection, serve


async def answer(connection: ServerConnection) -> None:
    """Say how long each message is."""
    try:
        async for message in connection:
            await connection.send(str(len(message)))
    except ConnectionClosed:
        pass


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536])
async def test_frames_are_understood(size: int) -> None:
    """A frame of any length is one, and what comes back is read."""
    async with serve(answer, "127.0.0.1", 0, subprotocols=["hubbub.v1"], compression=None) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with reach(address) as connection:
            await connection.shake(address)
            await connection.send(frame(b"x" * size))
            heard = await connection.hear()
            await connection.send(frame(b"x", 0x88))
            code = await connection.wait_closed()

    assert heard == (1, str(size).encode())
    # A Close frame with half a code breaks the rules.
    assert code == 1002


async def test_lost_connection_has_no_code() -> None:
    """Where there is no Close frame, there is no code."""
    async with serve(answer, "127.0.0.1", 0, subprotocols=["hubbub.v1"]) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with reach(address) as connection:
            await connection.send(b"GET / HTTP/1.0\r\n\r\n")
            await connection.reader.readuntil(b"\r\n\r\n")

            assert await connection.wait_closed() == ABNORMAL
