"""Compressed messages for the load, made beforehand, and the check of what comes back; zlib does the rest.

A file of frames has the messages twice: deflated in a row from an empty window, and then deflated again
behind that.  The second time refers to nothing but the time before, so that it can be sent over and over.
"""

from __future__ import annotations

import json
import random
import re
import struct
import zlib
from collections.abc import Sequence

#: The base-2 logarithm of the window in bytes, and zlib's memory level, on both sides.
BITS, MEMORY_LEVEL = 12, 5
OFFER = f"permessage-deflate; client_max_window_bits={BITS}; server_max_window_bits={BITS}"
TAIL = b"\x00\x00\xff\xff"
WORDS = (
    "message room picture likes today weather somebody answers question never always river mountain music"
    " coffee letter window garden evening yellow quiet sister reading train station market between"
)


class Wrong(Exception):
    """What came back doesn't inflate to what was sent."""


def messages(size: int, count: int) -> list[bytes]:
    """Return messages of JSON, as chats have them, each of so many bytes and unlike the others."""
    chance = random.Random(size)
    return [message(size, number, chance) for number in range(count)]


def message(size: int, number: int, chance: random.Random) -> bytes:
    """Return one message."""
    head = {
        "type": "message",
        "room": f"r{number % 7}",
        "id": chance.randrange(10**9),
        "author": f"u{number}",
    }
    words = " ".join(chance.choices(WORDS.split(), k=size // 4))
    room = size - len(json.dumps({**head, "text": ""}))
    return json.dumps({**head, "text": words[:room].ljust(room)}).encode()


def frames(contents: Sequence[bytes], *, takeover: bool) -> bytes:
    """Return the file of frames, deflated with context takeover or without (RFC 7692, 7.2.1)."""
    deflate, payloads = compressor(), []
    for content in [*contents, *contents]:
        if not takeover:
            deflate = compressor()
        payloads.append((deflate.compress(content) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL))
    numbers = [len(contents), len(contents), *map(len, payloads)]
    return struct.pack(f"<{len(numbers)}I", *numbers) + b"".join(payloads)


def compressor() -> zlib._Compress:
    """Return what deflates, with an empty window."""
    return zlib.compressobj(-1, zlib.DEFLATED, -BITS, MEMORY_LEVEL)


class Inflating:
    """The check of all that came back on one connection."""

    def __init__(self, contents: Sequence[bytes], bits: int) -> None:
        self.contents = contents
        self.inflate = zlib.decompressobj(-bits)
        self.number = 0

    def check(self, dump: bytes) -> int:
        """Check the next messages of the row in which they were sent; return how many are compressed.

        Raises:
            Wrong: if one isn't what was sent, or needs a larger window.
        """
        at = compressed = 0
        while at < len(dump):
            is_compressed, size = struct.unpack_from("<BI", dump, at)
            at += 5 + size
            payload = dump[at - size : at]
            if is_compressed:
                payload = self.inflated(payload)
                compressed += 1
            if payload != self.contents[self.number % len(self.contents)]:
                raise Wrong(f"Message {self.number} came back as something else.")
            self.number += 1
        return compressed

    def inflated(self, payload: bytes) -> bytes:
        """Inflate a message (RFC 7692, 7.2.2)."""
        try:
            return self.inflate.decompress(payload + TAIL)
        except zlib.error as error:
            raise Wrong(f"Message {self.number} isn't for the window agreed on: {error}.") from error


def window(agreed: str) -> int:
    """Return the bits of the server's window that an agreement has (RFC 7692, 7.1.2.1)."""
    found = re.search(r'server_max_window_bits="?(\d+)', agreed)
    return int(found[1]) if found else 15
