"""permessage-deflate: its negotiation on both sides, and what goes through it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import random
import sys
import zlib
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zlib_ng import zlib_ng

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
from .inflater import Inflater

TAIL = b"\x00\x00\xff\xff"
MODULES = st.sampled_from([None, zlib, zlib_ng])
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
            PerMessageDeflateFactory(server_max_window_bits=14, client_max_window_bits=14),
            "server_max_window_bits=14; client_max_window_bits=14, client_max_window_bits",
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
        (FULL, "client_max_window_bits=8", "client_max_window_bits=8", (15, 8, False, False)),
        (FULL, "server_max_window_bits=8", "server_max_window_bits=8", (8, 15, False, False)),
        (
            PerMessageDeflateFactory(server_max_window_bits=8, client_max_window_bits=8),
            "client_max_window_bits",
            "server_max_window_bits=8; client_max_window_bits=8",
            (8, 8, False, False),
        ),
        (FULL, "server_max_window_bits=10", "server_max_window_bits=10", (10, 15, False, False)),
        (FULL, "server_max_window_bits=15", "server_max_window_bits=15", (15, 15, False, False)),
        (FULL, "server_no_context_takeover", "server_no_context_takeover", (15, 15, True, False)),
        (FULL, "client_no_context_takeover", "client_no_context_takeover", (15, 15, False, True)),
        (FULL, 'server_max_window_bits="9"', "server_max_window_bits=9", (9, 15, False, False)),
        # 7.1.2.2: a client that didn't offer it isn't told to use a smaller window.
        (PerMessageDeflateFactory(), "", "server_max_window_bits=12", (12, 15, False, False)),
        (
            PerMessageDeflateFactory(server_max_window_bits=14, client_max_window_bits=14),
            "client_max_window_bits",
            "server_max_window_bits=14; client_max_window_bits=14",
            (14, 14, False, False),
        ),
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


@pytest.mark.parametrize("offer, error", INVALID)
def test_server_declines(offer: str, error: type[Exception]) -> None:
    """A server declines an offer with a parameter that is unknown, repeated or invalid (7)."""
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
        (FULL, "server_max_window_bits=8", (15, 8, False, False)),
        (FULL, "client_max_window_bits=8", (8, 15, False, False)),
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


def test_client_refuses_too_little() -> None:
    """A client refuses an answer that leaves out the context takeover that it asked to forgo (7.1.1.1)."""
    factory = PerMessageDeflateFactory(server_no_context_takeover=True, server_max_window_bits=15)

    with pytest.raises(NegotiationError, match="server_no_context_takeover"):
        factory.accept_response(parameters("client_no_context_takeover"))


@given(
    server=st.builds(
        PerMessageDeflateFactory,
        server_no_context_takeover=st.booleans(),
        client_no_context_takeover=st.booleans(),
        server_max_window_bits=st.integers(8, 15),
        client_max_window_bits=st.integers(8, 15),
        level=st.integers(-1, 9),
        memory_level=st.integers(1, 9),
        zlib=MODULES,
    ),
    client=st.builds(
        PerMessageDeflateFactory,
        server_no_context_takeover=st.booleans(),
        client_no_context_takeover=st.booleans(),
        server_max_window_bits=st.integers(8, 15),
        client_max_window_bits=st.integers(8, 15),
        level=st.integers(-1, 9),
        memory_level=st.integers(1, 9),
        zlib=MODULES,
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
            assert receiver.decode(payload, ends_message=True, size=len(message) + 1) == message


@pytest.mark.parametrize(
    "setting",
    [
        {"server_max_window_bits": 7},
        {"server_max_window_bits": 16},
        {"client_max_window_bits": 7},
        {"client_max_window_bits": 0},
        {"level": -2},
        {"level": 10},
        {"memory_level": 0},
        {"memory_level": 10},
        {"threshold": -1},
    ],
)
def test_settings_are_checked(setting: dict[str, int]) -> None:
    """A setting that zlib would refuse in the middle of a connection is refused at once."""
    with pytest.raises(ValueError, match="must"):
        PerMessageDeflateFactory(**setting)  # type: ignore[arg-type]


def test_defaults_are_as_documented() -> None:
    """Unless told otherwise, windows and memory are small, zlib chooses the level, and both contexts stay."""
    assert dataclasses.asdict(PerMessageDeflateFactory()) == {
        "server_no_context_takeover": False,
        "client_no_context_takeover": False,
        "server_max_window_bits": 12,
        "client_max_window_bits": 12,
        "level": -1,
        "memory_level": 5,
        "threshold": 32,
        "zlib": None,
    }


# What goes through (RFC 7692 7.2).


def receive(extension: PerMessageDeflate, *payloads: str, limit: int = 1000) -> list[bytes]:
    """Decode messages given in hexadecimal."""
    return [
        extension.decode(bytes.fromhex(payload), ends_message=True, size=limit + 1) for payload in payloads
    ]


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
        extension.decode(bytes.fromhex("f2 48 cd"), ends_message=False, size=10)
        + extension.decode(bytes.fromhex("c9 c9 07 00"), ends_message=True, size=10)
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
    assert [theirs.decode(payload, ends_message=True, size=2) for payload in payloads] == messages


def test_compressor_without_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressor that has nothing to flush makes an empty message all the same (7.2.3.6)."""

    class Silent:
        def compress(self, data: bytes) -> bytes:
            return b""

        def flush(self, mode: int) -> bytes:
            return b""

    monkeypatch.setattr(zlib, "compressobj", lambda *settings: Silent())

    assert deflated(Side.CLIENT, module=zlib).encode(b"", ends_message=True) == b"\x00"


@pytest.mark.parametrize("payload", ["00", "02 00", "03 00", "01 00 00 ff ff 00", "", "00 00 00 ff ff 00"])
def test_other_empty_messages(payload: str) -> None:
    """However a peer writes an empty message, it and the next one are read."""
    extension = deflated(Side.SERVER)
    first = extension.decode(bytes.fromhex(payload), ends_message=True, size=1)

    assert first == b""
    if payload:
        assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


def test_empty_fragments() -> None:
    """Empty fragments at the beginning, within and at the end of a message change nothing."""
    ours, theirs = deflated(Side.CLIENT), deflated(Side.SERVER)
    for _ in range(2):
        parts = [b"", b"Hel", b"", b"", b"lo", b""]
        payloads = [ours.encode(part, ends_message=at == 5) for at, part in enumerate(parts)]
        found = [theirs.decode(payload, ends_message=at == 5, size=6) for at, payload in enumerate(payloads)]
        assert b"".join(found) == b"Hello"


@given(
    bits=st.integers(8, 15),
    level=st.integers(-1, 9),
    takeover=st.booleans(),
    modules=st.tuples(MODULES, MODULES),
    messages=st.lists(
        st.tuples(
            st.binary(max_size=80).map(lambda seed: seed * 50), st.lists(st.integers(1, 4000), max_size=4)
        ),
        max_size=4,
    ),
    places=st.lists(st.integers(1, 300), max_size=6),
)
def test_any_message_round_trips(
    bits: int,
    level: int,
    takeover: bool,
    modules: tuple[ModuleType | None, ModuleType | None],
    messages: list[tuple[bytes, list[int]]],
    places: list[int],
) -> None:
    """Messages come out as they went in, in fragments cut anywhere, which arrive in pieces cut elsewhere."""
    ours = deflated(
        Side.CLIENT, local_bits=bits, local_no_takeover=not takeover, level=level, module=modules[0]
    )
    theirs = deflated(Side.SERVER, remote_bits=bits, remote_no_takeover=not takeover, module=modules[1])
    for message, cuts in messages:
        parts = cut(message, cuts)
        payload = b"".join(
            ours.encode(part, ends_message=at == len(parts) - 1) for at, part in enumerate(parts)
        )
        pieces = cut(payload, places)
        assert (
            b"".join(
                theirs.decode(piece, ends_message=at == len(pieces) - 1, size=len(message) + 1)
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
    assert deflated(Side.SERVER, remote_bits=9).decode(narrow, ends_message=True, size=1201) == noise * 2
    assert deflated(Side.SERVER, remote_bits=11).decode(wide, ends_message=True, size=1201) == noise * 2


@pytest.mark.parametrize(
    "bits, distance, is_understood",
    # A zlib that is asked for 8 bits may use 9 and not say so.
    [(8, 500, True), (8, 600, False), (9, 500, True), (9, 600, False), (12, 4000, True), (12, 4200, False)],
)
def test_references_keep_to_the_window(bits: int, distance: int, is_understood: bool) -> None:
    """A reference to an earlier message is corrupt if it reaches beyond the window agreed (1007)."""
    noise = random.Random(4).randbytes(distance)
    theirs, ours = deflated(Side.CLIENT), deflated(Side.SERVER, remote_bits=bits)
    said, again = (theirs.encode(data, ends_message=True) for data in (noise, noise[:100]))
    assert len(again) < 50
    assert ours.decode(said, ends_message=True, size=None) == noise

    if is_understood:
        assert ours.decode(again, ends_message=True, size=None) == noise[:100]
    else:
        with pytest.raises(RemoteProtocolError, match="corrupt"):
            ours.decode(again, ends_message=True, size=None)


def test_messages_are_marked_by_rsv1() -> None:
    """The extension's name and bit are those of the RFC, on either side (6)."""
    assert FULL.name == "permessage-deflate"
    for extension in (FULL.accept_offer([])[1], FULL.accept_response([])):
        assert (extension.name, extension.rsv) == ("permessage-deflate", 0x40)


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
    extension.decode(fragment, ends_message=False, size=None)
    assert None not in contexts()
    extension.decode(extension.encode(b"y", ends_message=True), ends_message=True, size=None)
    assert contexts() == [None, None, b""]


@pytest.mark.parametrize("threshold", [0, 1, 32, 1000])
def test_short_messages_stay_plain(threshold: int) -> None:
    """It isn't worthwhile to compress what is shorter than the threshold, which both sides can set."""
    factory = PerMessageDeflateFactory(threshold=threshold)
    for extension in (factory.accept_offer([])[1], factory.accept_response([])):
        assert extension.is_worthwhile(threshold)
        assert not extension.is_worthwhile(threshold - 1)


def test_zlib_ng_is_found_where_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, the standard library's zlib stands in for it."""
    find = permessage_deflate.zlib_ng.__wrapped__
    assert find() is zlib_ng
    monkeypatch.setitem(sys.modules, "zlib_ng.zlib_ng", None)
    assert find() is zlib


SMALL, LARGE = b"small" * 100, b"large" * 1000


def test_zlib_ng_takes_large_messages() -> None:
    """A connection's contexts are zlib's, from its first large message on zlib-ng's; each is understood."""
    ours, theirs = deflated(Side.CLIENT), deflated(Side.SERVER)
    made = []
    for message in (SMALL, SMALL, LARGE, SMALL, LARGE):
        payload = ours.encode(message, ends_message=True)
        assert theirs.decode(payload, ends_message=True, size=10_000) == message
        made.append(ours._deflate)
    one, again, other, *rest = made

    assert one is again
    assert rest == [other, other]
    assert (type(one).__module__, type(other).__module__) == ("zlib", "zlib_ng")


def test_zlib_ng_inflates_large_messages() -> None:
    """What a connection receives first tells by what it is inflated; then it stays."""
    for first, module in ((SMALL, "zlib"), (random.Random(1).randbytes(5000), "zlib_ng")):
        ours, theirs = deflated(Side.CLIENT), deflated(Side.SERVER)
        for message in (first, SMALL, LARGE):
            payload = ours.encode(message, ends_message=True)
            assert theirs.decode(payload, ends_message=True, size=10_000) == message
            assert type(theirs._inflate).__module__ == module


def test_one_module_does_everything_if_told() -> None:
    """With a module given there is nothing to choose: one context for messages of all sizes."""
    for module in (zlib, zlib_ng):
        extension = deflated(Side.CLIENT, module=module)
        made = [
            extension.encode(message, ends_message=True) and extension._deflate for message in (SMALL, LARGE)
        ]
        assert made[0] is made[1]
        assert type(made[0]).__module__ == module.__name__.split(".")[0]


def test_corrupt_data_is_told_alike() -> None:
    """What makes no sense is the same error, whichever module finds it (1007)."""
    for module in (zlib, zlib_ng):
        with pytest.raises(RemoteProtocolError, match="corrupt") as error:
            receive(deflated(Side.SERVER, module=module), "ff ff ff")
        assert error.value.close_code == 1007


@pytest.mark.parametrize("module", [zlib, zlib_ng])
@pytest.mark.parametrize("level", range(-1, 10))
@pytest.mark.parametrize("bits", [8, 9, 12, 15])
def test_no_reference_leaves_window(module: ModuleType, level: int, bits: int) -> None:
    """At any level the peer's window is enough, in a message and from one to the next."""
    chance = random.Random(bits)
    block = chance.randbytes(60)
    extension = deflated(Side.CLIENT, local_bits=bits, level=level, module=module)
    inflate = zlib.decompressobj(-max(bits, 9))
    for gap in (100, 200, 400, 600, 3000, 4200, 9000, 30_000):
        for message in (block + chance.randbytes(gap) + block, chance.randbytes(gap), block):
            payload = extension.encode(message, ends_message=True)
            assert inflate.decompress(payload + TAIL) == message


@pytest.mark.parametrize("level, memory_level", [(1, 1), (6, 5), (9, 9)])
def test_levels_are_as_set(level: int, memory_level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """zlib is given the level and the memory level that were set."""
    made: list[tuple[int, ...]] = []
    make = zlib.compressobj
    monkeypatch.setattr(zlib, "compressobj", lambda *settings: (made.append(settings), make(*settings))[1])
    factory = PerMessageDeflateFactory(level=level, memory_level=memory_level, zlib=zlib)
    for extension in (factory.accept_offer([])[1], factory.accept_response([])):
        extension.encode(b"Hello", ends_message=True)
        extension.encode_alone(b"Hello")

    assert made == [(level, zlib.DEFLATED, -12, memory_level, zlib.Z_DEFAULT_STRATEGY)] * 4


# A window of 256 bytes, which zlib can't deflate with.

#: What invites to look back: over all distances, over one byte, and not at all.
INVITING = [
    b"".join(bytes(range(at % 7, at)) * 3 for at in range(1, 256, 7)),
    b"".join(bytes([at]) * at for at in range(256)),
    random.Random(9).randbytes(3000) * 3,
]


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("data", INVITING)
def test_small_window_is_kept_to(data: bytes, level: int) -> None:
    """With 8 bits nothing refers back over more than a byte, in any message, alone or not."""
    extension = deflated(Side.CLIENT, local_bits=8, level=level)
    reader = Inflater(256)
    for _ in range(2):
        assert reader.inflate(extension.encode(data, ends_message=True) + TAIL) == data
        assert reader.inflate(extension.encode_alone(data) + TAIL) == data
        extension.sent_alone()

    assert reader.distances <= {1}


def test_small_window_compresses() -> None:
    """With 8 bits runs are still shortened, at any level but 0."""
    extension = deflated(Side.CLIENT, local_bits=8)

    assert len(extension.encode(b"a" * 3000 + b"b" * 3000, ends_message=True)) < 100


@pytest.mark.parametrize("size", [256, 500])
def test_small_window_is_inflated(size: int) -> None:
    """A peer with 8 bits looks back over 256 bytes, or 512 if it is zlib, over messages and final blocks."""
    noise = random.Random(8).randbytes(size)
    extension = deflated(Side.SERVER, remote_bits=8)
    payloads = [final_block(noise) + PAD, final_block(noise[:100], noise) + PAD]

    assert [extension.decode(payload, ends_message=True, size=1000) for payload in payloads] == [
        noise,
        noise[:100],
    ]
    assert len(extension._window) <= 1024
    for _ in range(2):
        extension.release_if_idle()
    assert len(extension._window) <= 512


# Messages that go to many: compressed once, for every context.

PHRASES = [random.Random(seed).randbytes(180) for seed in range(4)]
SAYINGS = st.lists(st.sampled_from([*PHRASES, b"x" * 300, b""]), max_size=4).map(b"".join)


@given(
    bits=st.integers(8, 15),
    memory_level=st.integers(1, 9),
    takeover=st.booleans(),
    script=st.lists(st.tuples(st.sampled_from(["own", "shared", "fragments"]), SAYINGS), max_size=8),
)
def test_shared_messages_fit_between_own(
    bits: int, memory_level: int, takeover: bool, script: list[tuple[str, bytes]]
) -> None:
    """Own messages and shared ones in any order are inflated with exactly the window agreed."""
    settings = {"local_bits": bits, "memory_level": memory_level, "local_no_takeover": not takeover}
    ours, another = deflated(Side.SERVER, **settings), deflated(Side.SERVER, **settings)
    reader = Inflater(1 << bits)
    for kind, message in script:
        match kind:
            case "own":
                payload = ours.encode(message, ends_message=True)
            case "fragments":
                payload = ours.encode(message[:99], ends_message=False)
                payload += ours.encode(message[99:], ends_message=True)
            case _:
                payload = another.encode_alone(message)
                ours.sent_alone()
        assert reader.inflate(payload + TAIL) == message


def test_kind_tells_what_may_be_shared() -> None:
    """Connections that compress alike share payloads, whatever they receive, and no others do."""
    kind = deflated(Side.SERVER).kind

    assert deflated(Side.SERVER, remote_bits=9, remote_no_takeover=True, local_no_takeover=True).kind == kind
    for other in ({"local_bits": 14}, {"level": 1}, {"memory_level": 9}):
        assert deflated(Side.SERVER, **other).kind != kind


def test_shared_payload_stands_alone() -> None:
    """What is encoded alone leaves no trace in the context, and uses none."""
    extension = deflated(Side.SERVER)
    assert extension.encode_alone(b"Hello").hex(" ") == "f2 48 cd c9 c9 07 00"
    assert extension._deflate is None
    extension.encode(b"Hello", ends_message=True)
    assert extension.encode_alone(b"Hello").hex(" ") == "f2 48 cd c9 c9 07 00"
    assert extension.encode(b"Hello", ends_message=True).hex(" ") == "f2 00 11 00 00"
    assert extension.encode_alone(b"") == b"\x00"


# Contexts given back while nothing is said.


def test_idle_contexts_are_released() -> None:
    """Contexts that weren't used since the last call are given back, and not before."""
    ours, theirs = deflated(Side.CLIENT), deflated(Side.SERVER)
    for used in (ours, theirs):
        payload = ours.encode(b"Hello", ends_message=True)
        theirs.decode(payload, ends_message=True, size=6)
        used.release_if_idle()
        assert (used._deflate or used._inflate) is not None
        used.release_if_idle()
        assert (used._deflate, used._inflate) == (None, None)


def test_released_contexts_go_on() -> None:
    """After a release we refer to nothing before it, and the peer still may."""
    ours, theirs, reader = deflated(Side.CLIENT), deflated(Side.SERVER), Inflater(32_768)
    noise = random.Random(2).randbytes(500)
    for extension in (ours, theirs):
        extension.release_if_idle()
    payloads = [ours.encode(noise, ends_message=True) for _ in range(3)]
    assert len(payloads[1]) < 50 > len(payloads[2])
    for payload in payloads:
        assert theirs.decode(payload, ends_message=True, size=501) == noise
        assert reader.inflate(payload + TAIL) == noise
        for _ in range(2):
            theirs.release_if_idle()
    for _ in range(2):
        ours.release_if_idle()

    assert len(ours.encode(noise, ends_message=True)) > 500


@given(
    bits=st.integers(8, 15),
    takeover=st.booleans(),
    script=st.lists(
        st.tuples(
            st.sampled_from(["send", "receive"]),
            SAYINGS,
            st.lists(st.integers(1, 500), max_size=3),
            st.data(),
        ),
        max_size=4,
    ),
)
def test_releases_change_nothing(
    bits: int, takeover: bool, script: list[tuple[str, bytes, list[int], st.DataObject]]
) -> None:
    """Contexts may be asked for at any time, in the middle of a message as well, in either direction."""
    ours = deflated(
        Side.SERVER,
        local_bits=bits,
        remote_bits=bits,
        local_no_takeover=not takeover,
        remote_no_takeover=not takeover,
    )
    theirs = deflated(Side.CLIENT, local_bits=bits, local_no_takeover=not takeover)
    reader = Inflater(1 << bits)
    for direction, message, places, choice in script:
        found = b""
        if direction == "send":
            parts = cut(message, places)
            payload = b""
            for at, part in enumerate(parts):
                payload += ours.encode(part, ends_message=at == len(parts) - 1)
                for _ in range(choice.draw(st.integers(0, 3))):
                    ours.release_if_idle()
            found = reader.inflate(payload + TAIL)
        else:
            parts = cut(theirs.encode(message, ends_message=True), places)
            for at, part in enumerate(parts):
                size: int | None = choice.draw(st.sampled_from([None, 1, 50, 10_000]))
                found += ours.decode(part, ends_message=at == len(parts) - 1, size=size)
                while ours.is_behind:
                    for _ in range(choice.draw(st.integers(0, 3))):
                        ours.release_if_idle()
                    found += ours.decode(b"", ends_message=at == len(parts) - 1, size=size)
                for _ in range(choice.draw(st.integers(0, 3))):
                    ours.release_if_idle()
        assert found == message


# Output in parts.


@given(
    message=st.binary(max_size=30).map(lambda seed: seed * 50),
    places=st.lists(st.integers(1, 60), max_size=3),
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    has_final_block=st.booleans(),
)
def test_output_comes_in_parts(
    message: bytes, places: list[int], sizes: list[int], has_final_block: bool
) -> None:
    """What is asked for in parts is as if it weren't, at every piece, with no part larger than asked for."""
    payload = final_block(message) + PAD if has_final_block else deflate(message)
    extension, twin = deflated(Side.SERVER), deflated(Side.SERVER)
    turn = itertools.cycle(sizes)
    pieces = cut(payload, places)
    for at, piece in [*enumerate(pieces)] * 2:
        ends_message = at == len(pieces) - 1
        size = next(turn)
        parts = [extension.decode(piece, ends_message=ends_message, size=size)]
        while extension.is_behind:
            assert len(parts[-1]) == size
            size = next(turn)
            parts.append(extension.decode(b"", ends_message=ends_message, size=size))
        assert len(parts[-1]) <= size
        assert b"".join(parts) == twin.decode(piece, ends_message=ends_message, size=None)


@pytest.mark.parametrize("size", range(1, 42))
def test_parts_may_have_any_size(size: int) -> None:
    """What zlib still has when it has taken all of a piece is given before the next piece."""
    payload = deflate(b"a" * 40)
    for place in range(1, len(payload)):
        extension, twin = deflated(Side.SERVER), deflated(Side.SERVER)
        for piece, ends_message in ((payload[:place], False), (payload[place:], True)):
            found = extension.decode(piece, ends_message=ends_message, size=size)
            while extension.is_behind:
                found += extension.decode(b"", ends_message=ends_message, size=size)
            assert found == twin.decode(piece, ends_message=ends_message, size=None)


def decode_in_parts(extension: PerMessageDeflate, payload: bytes, size: int) -> bytes:
    """Decode a message in parts of a size."""
    found = extension.decode(payload, ends_message=True, size=size)
    while extension.is_behind:
        found += extension.decode(b"", ends_message=True, size=size)
    return found


def test_corrupt_rest_fails() -> None:
    """Data that turns out to be corrupt in a later part fails then (1007)."""
    payload = deflate(b"a" * 2000) + TAIL + b"\xff"
    extension = deflated(Side.SERVER)
    assert extension.decode(payload, ends_message=True, size=1000) == b"a" * 1000

    with pytest.raises(RemoteProtocolError) as caught:
        decode_in_parts(deflated(Side.SERVER), payload, 1000)
    assert caught.value.close_code == 1007


def test_final_blocks_are_limited_in_parts() -> None:
    """However few bytes are asked for at once, the final blocks of a message are counted together."""
    most = permessage_deflate.MAX_FINAL_BLOCKS
    assert decode_in_parts(deflated(Side.SERVER), final_block(b"a") * most + PAD, 1) == b"a" * most

    with pytest.raises(RemoteProtocolError, match="final blocks"):
        decode_in_parts(deflated(Side.SERVER), final_block(b"a") * (most + 1), 1)


# Final blocks (7.2.3.4).


#: What is left of the empty block that must follow a final one at the end of a message.
PAD = b"\x00"


def deflate(data: bytes) -> bytes:
    """Compress a message by itself (7.2.1)."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


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
        found = extension.decode(final_block(message) + PAD, ends_message=True, size=1001)
        assert found == message
    assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


def test_window_outlives_final_block() -> None:
    """After a final block, references to what came before it are understood, up to the whole window."""
    # zlib refers back over all of the window but 262 bytes.
    noise = random.Random(5).randbytes(32_768 - 262)
    extension = deflated(Side.SERVER)
    blocks = [final_block(noise), final_block(noise, noise), final_block(noise[:100], noise)]

    assert len(blocks[1]) < 1000
    found = [extension.decode(block + PAD, ends_message=True, size=40001) for block in blocks]
    assert found == [noise, noise, noise[:100]]


def test_window_is_made_of_all_before() -> None:
    """The window that a final block leaves reaches back over short messages, and over one that had none."""
    extension = deflated(Side.SERVER)
    ours = deflated(Side.CLIENT)
    said = b""
    for at in range(40):
        message = random.Random(at).randbytes(50)
        said += message
        extension.decode(ours.encode(message, ends_message=True), ends_message=True, size=101)
    extension.decode(final_block(b"x") + PAD, ends_message=True, size=101)
    said += b"x"

    block = final_block(said[:300], said)
    assert len(block) < 100
    assert extension.decode(block + PAD, ends_message=True, size=301) == said[:300]


@pytest.mark.parametrize("places", [range(99), [1], [9], [10], [11], [12]])
def test_final_blocks_within_message(places: object) -> None:
    """Final blocks may be anywhere in a message, and the message may be cut anywhere."""
    parts = [b"one ", b"two ", b"three"]
    payload = b"".join(map(final_block, parts)) + PAD
    extension = deflated(Side.SERVER)
    for _ in range(2):
        pieces = cut(payload, places)  # type: ignore[arg-type]
        found = [
            extension.decode(piece, ends_message=at == len(pieces) - 1, size=14)
            for at, piece in enumerate(pieces)
        ]
        assert b"".join(found) == b"one two three"


def test_unpadded_final_block() -> None:
    """A message that ends with its final block, and lacks the byte due after it, spoils no other."""
    extension = deflated(Side.SERVER)
    messages = [b"Hello", b"", b"Hello again", b"x" * 100, b"Hello"]

    found = [extension.decode(final_block(message), ends_message=True, size=101) for message in messages]

    assert found == messages
    assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


def test_final_blocks_are_limited() -> None:
    """So many final blocks in one message that the contexts they cost would tell are refused."""
    most = permessage_deflate.MAX_FINAL_BLOCKS
    block = final_block(b"")
    extension = deflated(Side.SERVER)

    assert extension.decode(block * most + PAD, ends_message=True, size=1) == b""
    assert extension.decode(block * most + PAD, ends_message=True, size=1) == b""
    with pytest.raises(RemoteProtocolError, match="final blocks"):
        extension.decode(block * (most + 1), ends_message=False, size=1)


# Attacks.


@pytest.mark.parametrize("limit", [0, 1, 5, 1000, 32_767, 32_768, 100_000])
def test_output_is_limited(limit: int) -> None:
    """What comes out is at most the limit and one byte, however much there would be."""
    bomb = deflated(Side.CLIENT).encode(bytes(10_000_000), ends_message=True)

    assert len(deflated(Side.SERVER).decode(bomb, ends_message=True, size=limit + 1)) == limit + 1
    assert len(deflated(Side.SERVER).decode(bomb, ends_message=False, size=limit + 1)) == limit + 1


@pytest.mark.parametrize("size, limit", [(0, 0), (1, 1), (5, 5), (1000, 1000), (32_768, 32_768)])
def test_limit_may_be_filled(size: int, limit: int) -> None:
    """A message of exactly the limit comes out whole."""
    payload = deflated(Side.CLIENT).encode(b"\xaa" * size, ends_message=True)

    assert deflated(Side.SERVER).decode(payload, ends_message=True, size=limit + 1) == b"\xaa" * size


def test_bombs_in_final_blocks_are_limited() -> None:
    """Blocks that each keep to the limit are counted together."""
    payload = final_block(bytes(600)) * 100

    assert len(deflated(Side.SERVER).decode(payload, ends_message=True, size=1001)) == 1001


def test_empty_blocks_cost_their_length() -> None:
    """Empty blocks inflate to nothing, however many there are."""
    extension = deflated(Side.SERVER)

    assert extension.decode(b"\x00\x00\x00\xff\xff" * 200_000, ends_message=False, size=1) == b""
    assert receive(extension, "f2 48 cd c9 c9 07 00") == [b"Hello"]


@pytest.mark.parametrize(
    "payload",
    ["ff", "06 00", "f2 48 cd c9 c9 07 00 00 05 00 00 00", "00 05 00 05 00 48", "f2 00 11 00 00"],
)
@pytest.mark.parametrize("rest", [b"", b"\x00" * 64])
def test_corrupt_data_fails(payload: str, rest: bytes) -> None:
    """Data that isn't DEFLATE is refused as invalid (1007)."""
    with pytest.raises(RemoteProtocolError) as caught:
        deflated(Side.SERVER).decode(bytes.fromhex(payload) + rest, ends_message=True, size=1001)
    assert caught.value.close_code == 1007


@given(data=st.binary(max_size=200), limit=st.integers(0, 100))
def test_noise_does_no_harm(data: bytes, limit: int) -> None:
    """Any bytes inflate to something within the limit, or are refused."""
    output = b""
    with contextlib.suppress(RemoteProtocolError):
        output = deflated(Side.SERVER).decode(data, ends_message=True, size=limit + 1)

    assert len(output) <= limit + 1


@pytest.mark.parametrize("pieces", [[b""], [b"", b"", b""]])
@pytest.mark.parametrize("is_first", [True, False])
def test_no_payload_is_no_message(pieces: list[bytes], is_first: bool) -> None:
    """A compressed message without a byte is empty and spoils none after it, with a context or without."""
    ours, theirs = deflated(Side.CLIENT), deflated(Side.SERVER)
    messages = [b"the same words", b"again the same words"]
    if not is_first:
        first = ours.encode(messages[0], ends_message=True)
        assert theirs.decode(first, ends_message=True, size=100) == messages[0]
    for at, piece in enumerate(pieces, 1):
        assert theirs.decode(piece, ends_message=at == len(pieces), size=100) == b""
    second = ours.encode(messages[1], ends_message=True)

    assert theirs.decode(second, ends_message=True, size=100) == messages[1]
