"""permessage-deflate: its negotiation on both sides, and what goes through it."""

from __future__ import annotations

import contextlib
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
    RemoteProtocolError,
)
from fullduplex.protocol.extensions import permessage_deflate
from fullduplex.protocol.extensions.base import Parameters
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflate, PerMessageDeflateFactory
from fullduplex.protocol.headers import build_extensions, parse_extensions
from fullduplex.protocol.states import Side

from ..wire import cut, deflated

TAIL = b"\x00\x00\xff\xff"
FULL = PerMessageDeflateFactory(server_max_window_bits=15, client_max_window_bits=15)


def parameters(text: str) -> Parameters:
    """Read parameters as they stand in the header."""
    [(_, found)] = parse_extensions("; ".join(["permessage-deflate", *filter(None, [text])]))
    return found


def written(found: Parameters) -> str:
    """Write parameters as they stand in the header."""
    return build_extensions([("", found)]).removeprefix("; ")


def settings(extension: PerMessageDeflate) -> tuple[int, int, bool, bool]:
    """Return what was agreed: our bits, theirs, our context takeover forgone, and theirs."""
    return (
        extension.local_bits,
        extension.remote_bits,
        extension.local_no_takeover,
        extension.remote_no_takeover,
    )


# Negotiation (RFC 7692 7.1).


@pytest.mark.parametrize(
    "factory, offer",
    [
        (FULL, "client_max_window_bits"),
        (
            PerMessageDeflateFactory(),
            "server_max_window_bits=12; client_max_window_bits=12, client_max_window_bits",
        ),
        (
            PerMessageDeflateFactory(server_max_window_bits=9, client_max_window_bits=15),
            "server_max_window_bits=9; client_max_window_bits, client_max_window_bits",
        ),
        (
            PerMessageDeflateFactory(
                server_no_context_takeover=True,
                client_no_context_takeover=True,
                server_max_window_bits=15,
                client_max_window_bits=10,
            ),
            ", ".join(
                f"server_no_context_takeover; client_no_context_takeover; {bits}"
                for bits in ("client_max_window_bits=10", "client_max_window_bits")
            ),
        ),
    ],
)
def test_client_offers(factory: PerMessageDeflateFactory, offer: str) -> None:
    """A client offers what it was set to, then the same with any window of the server's (5.1)."""
    assert ", ".join(map(written, factory.offers())) == offer


@pytest.mark.parametrize(
    "factory, offer, answer, agreed",
    [
        (FULL, "", "", (15, 15, False, False)),
        (FULL, "client_max_window_bits", "", (15, 15, False, False)),
        (FULL, "client_max_window_bits=15", "", (15, 15, False, False)),
        (FULL, "client_max_window_bits=10", "client_max_window_bits=10", (15, 10, False, False)),
        # zlib inflates a window of 8 bits with one of 9.
        (FULL, "client_max_window_bits=8", "client_max_window_bits=8", (15, 9, False, False)),
        (FULL, "server_max_window_bits=10", "server_max_window_bits=10", (10, 15, False, False)),
        (FULL, "server_max_window_bits=15", "", (15, 15, False, False)),
        (FULL, "server_no_context_takeover", "server_no_context_takeover", (15, 15, True, False)),
        (FULL, "client_no_context_takeover", "client_no_context_takeover", (15, 15, False, True)),
        (FULL, 'server_max_window_bits="9"', "server_max_window_bits=9", (9, 15, False, False)),
        # 7.1.2.2: a client that didn't offer it isn't told to use a smaller window.
        (PerMessageDeflateFactory(), "", "server_max_window_bits=12", (12, 15, False, False)),
        (
            PerMessageDeflateFactory(),
            "client_max_window_bits",
            "server_max_window_bits=12; client_max_window_bits=12",
            (12, 12, False, False),
        ),
        (
            PerMessageDeflateFactory(),
            "server_max_window_bits=14; client_max_window_bits=14",
            "server_max_window_bits=12; client_max_window_bits=12",
            (12, 12, False, False),
        ),
        (
            PerMessageDeflateFactory(),
            "server_max_window_bits=9; client_max_window_bits=11",
            "server_max_window_bits=9; client_max_window_bits=11",
            (9, 11, False, False),
        ),
        (
            PerMessageDeflateFactory(
                server_no_context_takeover=True,
                client_no_context_takeover=True,
                server_max_window_bits=15,
                client_max_window_bits=15,
            ),
            "",
            "server_no_context_takeover; client_no_context_takeover",
            (15, 15, True, True),
        ),
    ],
)
def test_server_accepts(
    factory: PerMessageDeflateFactory, offer: str, answer: str, agreed: tuple[int, int, bool, bool]
) -> None:
    """A server answers an offer with what both keep to."""
    found, extension = factory.accept_offer(parameters(offer))

    assert written(found) == answer
    assert settings(extension) == agreed


# RFC 7692 7.1: each of these parameters is invalid whoever sends it.
INVALID = [
    ("unknown", InvalidParameterName),
    ("SERVER_NO_CONTEXT_TAKEOVER", InvalidParameterName),
    ("server_no_context_takeover=1", InvalidParameterValue),
    ("client_no_context_takeover=true", InvalidParameterValue),
    ("server_no_context_takeover; server_no_context_takeover", DuplicateParameter),
    ("client_no_context_takeover; client_no_context_takeover", DuplicateParameter),
    ("server_max_window_bits=10; server_max_window_bits=10", DuplicateParameter),
    ("client_max_window_bits=9; client_max_window_bits=9", DuplicateParameter),
    ("server_max_window_bits", InvalidParameterValue),
    *(
        (f"{name}={bits}", InvalidParameterValue)
        for name in ("server_max_window_bits", "client_max_window_bits")
        for bits in ("0", "7", "16", "99", "08", "010", "1e1", "+9", "-9", "9.0", "x", "9" * 30)
    ),
]


@pytest.mark.parametrize("offer, error", [*INVALID, ("server_max_window_bits=8", NegotiationError)])
def test_server_declines(offer: str, error: type[Exception]) -> None:
    """A server declines an offer with a parameter that is unknown, repeated, invalid or beyond zlib."""
    with pytest.raises(error) as caught:
        FULL.accept_offer(parameters(offer))
    assert isinstance(caught.value, NegotiationError)


@pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
@pytest.mark.parametrize("value", ["", "٩", "９", " 9", "9 "])
def test_bits_are_plain_digits(name: str, value: str) -> None:
    """What other parsers take for a number isn't one (7.1.2.1)."""
    with pytest.raises(InvalidParameterValue):
        FULL.accept_offer([(name, value)])


@pytest.mark.parametrize(
    "factory, answer, agreed",
    [
        (FULL, "", (15, 15, False, False)),
        (FULL, "server_no_context_takeover", (15, 15, False, True)),
        (FULL, "client_no_context_takeover", (15, 15, True, False)),
        (FULL, "server_max_window_bits=8", (15, 9, False, False)),
        (FULL, "server_max_window_bits=10", (15, 10, False, False)),
        (FULL, "client_max_window_bits=9", (9, 15, False, False)),
        (PerMessageDeflateFactory(), "server_max_window_bits=12", (12, 12, False, False)),
        (
            PerMessageDeflateFactory(),
            "server_max_window_bits=10; client_max_window_bits=10",
            (10, 10, False, False),
        ),
        # The second offer leaves the server its window.
        (PerMessageDeflateFactory(), "", (12, 15, False, False)),
        (PerMessageDeflateFactory(), "server_max_window_bits=13", (12, 13, False, False)),
        # 7.1.2.2: the server sets a limit, and we keep below it.
        (
            PerMessageDeflateFactory(),
            "server_max_window_bits=12; client_max_window_bits=15",
            (12, 12, False, False),
        ),
        (
            PerMessageDeflateFactory(
                server_no_context_takeover=True,
                client_no_context_takeover=True,
                server_max_window_bits=15,
                client_max_window_bits=15,
            ),
            "server_no_context_takeover",
            (15, 15, True, True),
        ),
    ],
)
def test_client_accepts(
    factory: PerMessageDeflateFactory, answer: str, agreed: tuple[int, int, bool, bool]
) -> None:
    """A client keeps to an answer that its offer permits."""
    assert settings(factory.accept_response(parameters(answer))) == agreed


@pytest.mark.parametrize("answer, error", [*INVALID, ("client_max_window_bits", InvalidParameterValue)])
def test_client_refuses_invalid_answer(answer: str, error: type[Exception]) -> None:
    """A client refuses an answer with a parameter that is unknown, repeated or invalid (7.1)."""
    with pytest.raises(error):
        FULL.accept_response(parameters(answer))


@pytest.mark.parametrize(
    "factory, answer",
    [
        (FULL, "client_max_window_bits=8"),
        (
            PerMessageDeflateFactory(server_no_context_takeover=True, server_max_window_bits=15),
            "client_no_context_takeover",
        ),
    ],
)
def test_client_refuses_too_little(factory: PerMessageDeflateFactory, answer: str) -> None:
    """A client refuses an answer that ignores what it asked for, or that zlib can't do."""
    with pytest.raises(NegotiationError):
        factory.accept_response(parameters(answer))


@given(
    server=st.builds(
        PerMessageDeflateFactory,
        server_no_context_takeover=st.booleans(),
        client_no_context_takeover=st.booleans(),
        server_max_window_bits=st.integers(9, 15),
        client_max_window_bits=st.integers(9, 15),
        level=st.integers(-1, 9),
        memory_level=st.integers(1, 9),
    ),
    client=st.builds(
        PerMessageDeflateFactory,
        server_no_context_takeover=st.booleans(),
        client_no_context_takeover=st.booleans(),
        server_max_window_bits=st.integers(9, 15),
        client_max_window_bits=st.integers(9, 15),
        level=st.integers(-1, 9),
        memory_level=st.integers(1, 9),
    ),
    best=st.booleans(),
    messages=st.lists(st.binary(max_size=60).map(lambda seed: seed * 40), max_size=4),
)
def test_both_ends_agree(
    server: PerMessageDeflateFactory, client: PerMessageDeflateFactory, best: bool, messages: list[bytes]
) -> None:
    """Whatever the two are set to, they agree on any offer, and understand each other."""
    offer = client.offers()[0 if best else -1]
    answer, ours = server.accept_offer(parameters(written(offer)))
    theirs = client.accept_response(parameters(written(answer)))

    assert ours.remote_bits >= theirs.local_bits
    assert theirs.remote_bits >= ours.local_bits
    assert ours.remote_no_takeover <= theirs.local_no_takeover
    assert theirs.remote_no_takeover <= ours.local_no_takeover
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        for message in messages:
            payload = sender.encode(message, ends_message=True)
            assert receiver.decode(payload, ends_message=True, limit=len(message)) == message


@pytest.mark.parametrize(
    "setting",
    [
        {"server_max_window_bits": 8},
        {"server_max_window_bits": 16},
        {"client_max_window_bits": 8},
        {"client_max_window_bits": 0},
        {"level": -2},
        {"level": 10},
        {"memory_level": 0},
        {"memory_level": 10},
    ],
)
def test_settings_are_checked(setting: dict[str, int]) -> None:
    """A setting that zlib would refuse in the middle of a connection is refused at once."""
    with pytest.raises(ValueError, match="must be from"):
        PerMessageDeflateFactory(**setting)  # type: ignore[arg-type]


# What goes through (RFC 7692 7.2).


def receive(extension: PerMessageDeflate, *payloads: str, limit: int | None = 1000) -> list[bytes]:
    """Decode messages given in hexadecimal."""
    return [extension.decode(bytes.fromhex(payload), ends_message=True, limit=limit) for payload in payloads]


def test_examples_of_the_rfc() -> None:
    """The messages of the RFC's examples are inflated (7.2.3)."""
    one_block = "f2 48 cd c9 c9 07 00"
    assert receive(deflated(Side.SERVER), one_block) == [b"Hello"]
    assert receive(deflated(Side.SERVER), one_block, "f2 00 11 00 00") == [b"Hello", b"Hello"]
    no_compression = "00 05 00 fa ff 48 65 6c 6c 6f 00"
    finished = "f3 48 cd c9 c9 07 00 00"
    two_blocks = "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"
    assert receive(deflated(Side.SERVER), no_compression, finished, two_blocks) == [b"Hello"] * 3


def test_example_in_fragments() -> None:
    """The fragments of the RFC's example are inflated (7.2.3.1)."""
    extension = deflated(Side.SERVER)

    assert (
        extension.decode(bytes.fromhex("f2 48 cd"), ends_message=False, limit=9)
        + extension.decode(bytes.fromhex("c9 c9 07 00"), ends_message=True, limit=9)
        == b"Hello"
    )


def test_encoding_is_the_rfcs() -> None:
    """What is sent is what the RFC's examples have, and shorter when said again (7.2.3)."""
    extension = deflated(Side.CLIENT)

    assert extension.encode(b"Hello", ends_message=True).hex(" ") == "f2 48 cd c9 c9 07 00"
    assert extension.encode(b"Hello", ends_message=True).hex(" ") == "f2 00 11 00 00"


@pytest.mark.parametrize("takeover", [True, False])
def test_empty_messages(takeover: bool) -> None:
    """An empty message is one byte, between others as well (7.2.3.6)."""
    ours = deflated(Side.CLIENT, local_no_takeover=not takeover)
    theirs = deflated(Side.SERVER, remote_no_takeover=not takeover)
    messages = [b"", b"", b"a", b"", b"", b"b", b""]
    payloads = [ours.encode(message, ends_message=True) for message in messages]

    assert [payloads[at] for at in (0, 1, 3, 4, 6)] == [b"\x00"] * 5
    assert [theirs.decode(payload, ends_message=True, limit=1) for payload in payloads] == messages


def test_compressor_without_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressor that has nothing to flush makes an empty message all the same (7.2.3.6)."""

    class Silent:
        def compress(self, data: bytes) -> bytes:
            return b""

        def flush(self, mode: int) -> bytes:
            return b""

    monkeypatch.setattr(zlib, "compressobj", lambda *settings: Silent())

    assert deflated(Side.CLIENT).encode(b"", ends_message=True) == b"\x00"


@pytest.mark.parametrize("payload", ["00", "02 00", "03 00", "01 00 00 ff ff 00", "", "00 00 00 ff ff 00"])
def test_other_empty_messages(payload: str) -> None:
    """However a peer writes an empty message, it and the next one are read."""
    extension = deflated(Side.SERVER)
    first = extension.decode(bytes.fromhex(payload), ends_message=True, limit=0)

    assert first == b""
    if payload:
        assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


def test_empty_fragments() -> None:
    """Empty fragments at the beginning, within and at the end of a message change nothing."""
    ours, theirs = deflated(Side.CLIENT), deflated(Side.SERVER)
    for _ in range(2):
        parts = [b"", b"Hel", b"", b"", b"lo", b""]
        payloads = [ours.encode(part, ends_message=at == 5) for at, part in enumerate(parts)]
        found = [theirs.decode(payload, ends_message=at == 5, limit=5) for at, payload in enumerate(payloads)]
        assert b"".join(found) == b"Hello"


@given(
    bits=st.integers(9, 15),
    takeover=st.booleans(),
    messages=st.lists(
        st.tuples(
            st.binary(max_size=80).map(lambda seed: seed * 50), st.lists(st.integers(1, 4000), max_size=4)
        ),
        max_size=4,
    ),
    places=st.lists(st.integers(1, 300), max_size=6),
)
def test_any_message_round_trips(
    bits: int, takeover: bool, messages: list[tuple[bytes, list[int]]], places: list[int]
) -> None:
    """Messages come out as they went in, in fragments cut anywhere, which arrive in pieces cut elsewhere."""
    ours = deflated(Side.CLIENT, local_bits=bits, local_no_takeover=not takeover)
    theirs = deflated(Side.SERVER, remote_bits=bits, remote_no_takeover=not takeover)
    for message, cuts in messages:
        parts = cut(message, cuts)
        payload = b"".join(
            ours.encode(part, ends_message=at == len(parts) - 1) for at, part in enumerate(parts)
        )
        pieces = cut(payload, places)
        assert (
            b"".join(
                theirs.decode(piece, ends_message=at == len(pieces) - 1, limit=len(message))
                for at, piece in enumerate(pieces)
            )
            == message
        )


def test_windows_are_as_agreed() -> None:
    """A repetition that lies outside the window agreed isn't referred to, one inside is."""
    noise = random.Random(3).randbytes(600)
    narrow = deflated(Side.CLIENT, local_bits=9).encode(noise * 2, ends_message=True)
    wide = deflated(Side.CLIENT, local_bits=11).encode(noise * 2, ends_message=True)

    assert len(narrow) > 1200 > 700 > len(wide)
    assert deflated(Side.SERVER, remote_bits=9).decode(narrow, ends_message=True, limit=1200) == noise * 2
    assert deflated(Side.SERVER, remote_bits=11).decode(wide, ends_message=True, limit=1200) == noise * 2


def test_takeover_is_as_agreed() -> None:
    """A reference to an earlier message is understood with context takeover, and corrupt without."""
    payloads = ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"]

    assert receive(deflated(Side.SERVER), *payloads) == [b"Hello", b"Hello"]
    with pytest.raises(RemoteProtocolError):
        receive(deflated(Side.SERVER, remote_no_takeover=True), *payloads)


@pytest.mark.parametrize("side", [Side.CLIENT, Side.SERVER])
def test_contexts_are_made_when_needed(side: Side) -> None:
    """No zlib context is there before a message, and without takeover none after it."""
    extension = deflated(side, local_no_takeover=True, remote_no_takeover=True)

    def contexts() -> list[object]:
        return [extension._deflate, extension._inflate, extension._window]

    assert contexts() == [None, None, b""]
    fragment = extension.encode(b"x" * 1000, ends_message=False)
    extension.decode(fragment, ends_message=False, limit=None)
    assert None not in contexts()
    extension.decode(extension.encode(b"y", ends_message=True), ends_message=True, limit=None)
    assert contexts() == [None, None, b""]


# Final blocks (7.2.3.4).


#: What is left of the empty block that must follow a final one at the end of a message.
PAD = b"\x00"


def final_block(data: bytes, dictionary: bytes = b"") -> bytes:
    """Compress some data as a final block, with references to what came before it."""
    compressor = zlib.compressobj(wbits=-15, zdict=dictionary)
    return compressor.compress(data) + compressor.flush(zlib.Z_FINISH)


@pytest.mark.parametrize("takeover", [True, False])
def test_final_blocks_poison_nothing(takeover: bool) -> None:
    """Messages after a final block arrive whole, in the peer's ways of going on."""
    extension = deflated(Side.SERVER, remote_no_takeover=not takeover)
    messages = [b"Hello", b"Hello again", b"", b"and again" * 50]
    for message in messages * 3:
        found = extension.decode(final_block(message) + PAD, ends_message=True, limit=1000)
        assert found == message
    assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


def test_window_outlives_final_block() -> None:
    """After a final block, references to what came before it are understood, up to the whole window."""
    # zlib refers back over all of the window but 262 bytes.
    noise = random.Random(5).randbytes(32_768 - 262)
    extension = deflated(Side.SERVER)
    blocks = [final_block(noise), final_block(noise, noise), final_block(noise[:100], noise)]

    assert len(blocks[1]) < 1000
    found = [extension.decode(block + PAD, ends_message=True, limit=40_000) for block in blocks]
    assert found == [noise, noise, noise[:100]]


def test_window_is_made_of_all_before() -> None:
    """The window that a final block leaves reaches back over short messages, and over one that had none."""
    extension = deflated(Side.SERVER)
    ours = deflated(Side.CLIENT)
    said = b""
    for at in range(40):
        message = random.Random(at).randbytes(50)
        said += message
        extension.decode(ours.encode(message, ends_message=True), ends_message=True, limit=100)
    extension.decode(final_block(b"x") + PAD, ends_message=True, limit=100)
    said += b"x"

    block = final_block(said[:300], said)
    assert len(block) < 100
    assert extension.decode(block + PAD, ends_message=True, limit=300) == said[:300]


@pytest.mark.parametrize("places", [range(99), [1], [9], [10], [11], [12]])
def test_final_blocks_within_message(places: object) -> None:
    """Final blocks may be anywhere in a message, and the message may be cut anywhere."""
    parts = [b"one ", b"two ", b"three"]
    payload = b"".join(map(final_block, parts)) + PAD
    extension = deflated(Side.SERVER)
    for _ in range(2):
        pieces = cut(payload, places)  # type: ignore[arg-type]
        found = [
            extension.decode(piece, ends_message=at == len(pieces) - 1, limit=13)
            for at, piece in enumerate(pieces)
        ]
        assert b"".join(found) == b"one two three"


def test_unpadded_final_block() -> None:
    """A message that ends with its final block, and lacks the byte due after it, spoils no other."""
    extension = deflated(Side.SERVER)
    messages = [b"Hello", b"", b"Hello again", b"x" * 100, b"Hello"]

    found = [extension.decode(final_block(message), ends_message=True, limit=100) for message in messages]

    assert found == messages
    assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


def test_final_blocks_are_limited() -> None:
    """So many final blocks in one message that the contexts they cost would tell are refused."""
    most = permessage_deflate.MAX_FINAL_BLOCKS
    block = final_block(b"")
    extension = deflated(Side.SERVER)

    assert extension.decode(block * most + PAD, ends_message=True, limit=0) == b""
    assert extension.decode(block * most + PAD, ends_message=True, limit=0) == b""
    with pytest.raises(RemoteProtocolError, match="final blocks"):
        extension.decode(block * (most + 1), ends_message=False, limit=0)


# Attacks.


@pytest.mark.parametrize("limit", [0, 1, 5, 1000, 32_767, 32_768, 100_000])
def test_output_is_limited(limit: int) -> None:
    """What comes out is at most the limit and one byte, however much there would be."""
    bomb = deflated(Side.CLIENT).encode(bytes(10_000_000), ends_message=True)

    assert len(deflated(Side.SERVER).decode(bomb, ends_message=True, limit=limit)) == limit + 1
    assert len(deflated(Side.SERVER).decode(bomb, ends_message=False, limit=limit)) == limit + 1


@pytest.mark.parametrize("size, limit", [(0, 0), (1, 1), (5, 5), (1000, 1000), (32_768, 32_768)])
def test_limit_may_be_filled(size: int, limit: int) -> None:
    """A message of exactly the limit comes out whole."""
    payload = deflated(Side.CLIENT).encode(b"\xaa" * size, ends_message=True)

    assert deflated(Side.SERVER).decode(payload, ends_message=True, limit=limit) == b"\xaa" * size


def test_bombs_in_final_blocks_are_limited() -> None:
    """Blocks that each keep to the limit are counted together."""
    payload = final_block(bytes(600)) * 100

    assert len(deflated(Side.SERVER).decode(payload, ends_message=True, limit=1000)) == 1001


def test_empty_blocks_cost_their_length() -> None:
    """Empty blocks inflate to nothing, however many there are."""
    extension = deflated(Side.SERVER)

    assert extension.decode(b"\x00\x00\x00\xff\xff" * 200_000, ends_message=False, limit=0) == b""
    assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


@pytest.mark.parametrize(
    "payload",
    ["ff", "06 00", "f2 48 cd c9 c9 07 00 00 05 00 00 00", "00 05 00 05 00 48", "f2 00 11 00 00"],
)
@pytest.mark.parametrize("rest", [b"", b"\x00" * 64])
def test_corrupt_data_fails(payload: str, rest: bytes) -> None:
    """Data that isn't DEFLATE is refused as invalid (1007)."""
    with pytest.raises(RemoteProtocolError) as caught:
        deflated(Side.SERVER).decode(bytes.fromhex(payload) + rest, ends_message=True, limit=1000)
    assert caught.value.close_code == 1007


@given(data=st.binary(max_size=200), limit=st.integers(0, 100))
def test_noise_does_no_harm(data: bytes, limit: int) -> None:
    """Any bytes inflate to something within the limit, or are refused."""
    output = b""
    with contextlib.suppress(RemoteProtocolError):
        output = deflated(Side.SERVER).decode(data, ends_message=True, limit=limit)

    assert len(output) <= limit + 1
