"""Frames that mean harm, over real sockets: each fails its own connection with the right code."""

from __future__ import annotations

import zlib

import pytest

from fullduplex.protocol.limits import Limits

from ..protocol.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KEY,
    PING,
    PONG,
    RSV1,
    RSV2,
    RSV3,
    TEXT,
    Frame,
    frame,
    frames,
)
from .targets import attacker, under_attack, until

LIMIT = 1000
DEFLATE = ("Sec-WebSocket-Extensions", "permessage-deflate")


def masked(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    length: int | None = None,
    size: int | None = None,
) -> bytes:
    """Return a frame as a client sends it."""
    return frame(opcode, payload, fin=fin, rsv=rsv, key=KEY, length=length, size=size)


def fragments(*parts: bytes, opcode: int = TEXT, rsv: int = 0) -> bytes:
    """Return a message in fragments that hasn't ended."""
    first, *others = parts
    return masked(opcode, first, fin=False, rsv=rsv) + b"".join(
        masked(CONTINUATION, part, fin=False) for part in others
    )


def deflate(data: bytes, *, final: bool = False) -> bytes:
    """Return data compressed as a payload; ``final`` ends it by a final block (RFC 7692 7.2.3.4)."""
    compressor = zlib.compressobj(wbits=-15)
    payload = compressor.compress(data)
    if final:
        return payload + compressor.flush(zlib.Z_FINISH) + b"\x00"
    return (payload + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


# Each row: what is sent, and the code of the Close frame that answers it.

HEADS = {
    "unmasked": (frame(TEXT, b"Hello"), 1002),
    "unmasked ping": (frame(PING), 1002),
    **{
        f"reserved bits {rsv:#x} of {opcode}": (masked(opcode, rsv=rsv), 1002)
        for rsv in (RSV1, RSV2, RSV3)
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    },
    **{f"reserved opcode {opcode}": (masked(opcode), 1002) for opcode in (3, 7, 11, 15)},
    **{
        f"reserved opcode {opcode} of huge length": (masked(opcode, length=2**62), 1002) for opcode in (3, 11)
    },
    **{
        f"length {length:#x}": (masked(BINARY, length=length), code)
        for length, code in (
            (2**63, 1002),
            (2**64 - 1, 1002),
            (2**63 - 1, 1009),
            (2**32, 1009),
            (2**31, 1009),
        )
    },
    "top bit without payload or key": (frame(BINARY, key=b"", length=2**63), 1002),
    **{
        f"control frame {opcode} of {length}": (masked(opcode, length=length), 1002)
        for opcode in (CLOSE, PING, PONG)
        for length in (126, 2**16, 2**63)
    },
    **{
        f"fragmented control frame {opcode}": (masked(opcode, fin=False), 1002)
        for opcode in (CLOSE, PING, PONG)
    },
    "stray continuation": (masked(CONTINUATION, b"x"), 1002),
    "message within a message": (fragments(b"x") + masked(TEXT, b"y"), 1002),
    "HTTP after the upgrade": (b"GET /poison HTTP/1.1\r\nHost: victim.example\r\n\r\n", 1002),
    "HTTP in an unmasked frame": (frame(TEXT, b"GET /poison HTTP/1.1\r\nHost: victim.example\r\n\r\n"), 1002),
}

MESSAGES = {
    "over the limit": (masked(BINARY, bytes(LIMIT + 1)), 1009),
    "claimed to be over the limit": (masked(BINARY, length=LIMIT + 1), 1009),
    "fragments over the limit": (fragments(*[bytes(100)] * 11), 1009),
    "fragment that claims to be": (fragments(bytes(999)) + masked(CONTINUATION, length=2), 1009),
    "sum of lengths overflows 63 bits": (fragments(b"x") + masked(CONTINUATION, length=2**63 - 1), 1009),
    "sum of lengths overflows 32 bits": (fragments(b"x") + masked(CONTINUATION, length=2**32 - 1), 1009),
    "sum of lengths overflows 31 bits": (fragments(b"x") + masked(CONTINUATION, length=2**31 - 1), 1009),
    "endless empty fragments": (fragments(*[b""] * 65), 1009),
    "endless tiny fragments": (fragments(*[b"x"] * 65), 1009),
    "endless empty fragments between pings": (
        masked(BINARY, fin=False) + (masked(PING) + masked(CONTINUATION, fin=False)) * 65,
        1009,
    ),
    "no UTF-8": (masked(TEXT, b"\xff"), 1007),
    "no UTF-8 in an unfinished frame": (masked(TEXT, b"ab\xff", length=500), 1007),
    "no UTF-8 in a fragment": (fragments(b"ab\xed\xa0"), 1007),
    "no UTF-8 over fragments": (fragments(b"\xe4", b"\xbd", b"x"), 1007),
    "half a character": (masked(TEXT, b"\xe4\xbd"), 1007),
    "overlong": (masked(TEXT, b"\xc0\xaf"), 1007),
    "over Unicode": (masked(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "no UTF-8 in a close reason": (masked(CLOSE, b"\x03\xe8\xff"), 1007),
    "close reason that is cut": (masked(CLOSE, b"\x03\xe8\xe4\xbd"), 1007),
    "close of one byte": (masked(CLOSE, b"\x03"), 1002),
    **{
        f"close code {code}": (masked(CLOSE, code.to_bytes(2, "big")), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
}

BOMB = deflate(bytes(50_000_000))
COMPRESSED = {
    "bomb": (masked(BINARY, deflate(bytes(LIMIT + 1)), rsv=RSV1), 1009),
    "large bomb": (masked(BINARY, BOMB[:LIMIT], rsv=RSV1), 1009),
    "bomb over fragments": (
        fragments(*[BOMB[at : at + 10] for at in range(0, 300, 10)], opcode=BINARY, rsv=RSV1),
        1009,
    ),
    "bomb in an unfinished frame": (masked(BINARY, BOMB[:500], rsv=RSV1, length=600), 1009),
    "bomb in final blocks": (masked(BINARY, deflate(bytes(300), final=True)[:-1] * 4, rsv=RSV1), 1009),
    "endless final blocks": (masked(BINARY, b"\x03\x00" * 500, rsv=RSV1), 1002),
    "claimed to be over any limit": (masked(BINARY, length=2**62, rsv=RSV1), 1009),
    "empty blocks without end": (
        fragments(*[b"\x00\x00\x00\xff\xff" * 100] * 10, opcode=BINARY, rsv=RSV1),
        1009,
    ),
    "corrupt": (masked(BINARY, b"\xff" * 10, rsv=RSV1), 1007),
    "distance beyond the window": (masked(BINARY, bytes.fromhex("02860000"), rsv=RSV1), 1007),
    "inflated to no UTF-8": (masked(TEXT, deflate(b"\xff"), rsv=RSV1), 1007),
    "RSV1 on a continuation": (
        masked(TEXT, fin=False, rsv=RSV1) + masked(CONTINUATION, rsv=RSV1),
        1002,
    ),
    "RSV1 on a ping": (masked(PING, rsv=RSV1), 1002),
    "RSV2 beside RSV1": (masked(TEXT, rsv=RSV1 | RSV2), 1002),
}


@pytest.mark.parametrize(
    "table, headers",
    [(HEADS, []), (MESSAGES, []), (COMPRESSED, [DEFLATE])],
    ids=["heads", "messages", "compressed"],
)
async def test_bad_frames_fail_connection(
    table: dict[str, tuple[bytes, int]], headers: list[tuple[str, str]], face: str
) -> None:
    """Each is told by its code and nothing else, after what came before it was answered (7.1.7)."""
    options = {"max_size": LIMIT, "limits": Limits(fragments=64)}
    async with under_attack(face, compression="deflate" if headers else None, **options) as target:
        for name, (data, code) in table.items():
            async with attacker(target) as enemy:
                await enemy.open(*headers)
                await enemy.send(masked(BINARY, b"before") + data + masked(BINARY, b"after"))
                found, told = await enemy.told()
                answers = [answer for answer in found if answer.opcode not in (PING, PONG)]
                assert (name, len(answers), told) == (name, 1, code)
            assert await target.answers()
        assert set(target.received) == {b"before", "still there?"}


@pytest.mark.parametrize("table", [HEADS, MESSAGES], ids=["heads", "messages"])
async def test_bad_frames_may_dribble(table: dict[str, tuple[bytes, int]], face: str) -> None:
    """However few bytes come at once, the code is the same."""
    async with under_attack(face, max_size=LIMIT, limits=Limits(fragments=64)) as target:
        for name, (data, code) in table.items():
            async with attacker(target) as enemy:
                await enemy.open()
                await enemy.send(*[data[at : at + 3] for at in range(0, min(len(data), 60), 3)], data[60:])
                assert (name, (await enemy.told())[1]) == (name, code)


@pytest.mark.parametrize(
    "length, size", [(0, 2), (0, 8), (5, 2), (5, 8), (125, 2), (125, 8), (126, 8), (1000, 8)]
)
async def test_long_forms_do_no_harm(length: int, size: int, face: str) -> None:
    """A length in a longer form than needed is read as what it is, and what follows it too (5.2)."""
    async with under_attack(face) as target, attacker(target) as enemy:
        await enemy.open()
        await enemy.send(masked(BINARY, b"x" * length, size=size) + masked(TEXT, b"next"))

        assert await enemy.hear(b"next") == frame(BINARY, b"x" * length) + frame(TEXT, b"next")


async def test_every_alignment_is_unmasked(face: str) -> None:
    """Payloads of all sizes, cut anywhere, come back exactly: no byte is read beyond the masking key."""
    payloads = [bytes(range(size)) for size in range(70)]
    data = b"".join(masked(BINARY, payload) for payload in payloads)
    async with under_attack(face) as target, attacker(target) as enemy:
        await enemy.open()
        await enemy.send(*[data[at : at + 7] for at in range(0, len(data), 7)])

        said = await enemy.hear(payloads[-1])
        assert frames(said, masked=False) == [Frame(BINARY, payload) for payload in payloads]


@pytest.mark.parametrize("final", [deflate(b"first", final=True), deflate(b"first", final=True)[:-1]])
async def test_final_blocks_poison_nothing(final: bytes, face: str) -> None:
    """A message that ends with a final block arrives, and so does the next one (RFC 7692 7.2.3.4)."""
    async with under_attack(face, compression="deflate") as target, attacker(target) as enemy:
        await enemy.open(DEFLATE)
        await enemy.send(masked(TEXT, final, rsv=RSV1) + masked(TEXT, deflate(b"second"), rsv=RSV1))
        await until(lambda: [*target.received][-2:] == ["first", "second"])


@pytest.mark.parametrize("data", [b"", masked(TEXT, b"Hello")[:8], fragments(b"x", b"y"), masked(PING)])
async def test_resets_leave_nothing(data: bytes, face: str) -> None:
    """A peer that breaks off anywhere, with or without a word, leaves no descriptor and no task."""
    async with under_attack(face) as target:
        for breaks_off in (True, False):
            async with attacker(target) as enemy:
                await enemy.open()
                await enemy.send(data)
                if breaks_off:
                    enemy.reset()


async def test_nothing_follows_a_failure(face: str) -> None:
    """Megabytes behind a broken rule are neither kept nor looked at."""
    async with under_attack(face) as target, attacker(target) as enemy:
        await enemy.open()
        await enemy.send(masked(3), *[masked(TEXT, b"x" * 60_000)] * 50)

        assert (await enemy.told())[1] in (1002, None)
        assert set(target.received) == {"still there?"}


@pytest.mark.parametrize("reason", [b"bytes", 100, bytearray(100), None])
async def test_reasons_must_be_text(reason: object, face: str) -> None:
    """What isn't text isn't sent as a close reason, whatever memory it stands for; the connection goes on."""
    async with under_attack(face) as target, attacker(target) as client:
        await client.open()
        [connection] = target.server.connections
        with pytest.raises(TypeError, match="a close reason is str"):
            connection.start_close(1000, reason)
        await client.send(masked(TEXT, b"Hello"))

        assert await client.hear(b"Hello") == frame(TEXT, b"Hello")
