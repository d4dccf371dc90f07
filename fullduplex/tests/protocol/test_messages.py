"""Messages: fragments put together, inflated, decoded and held to their limits."""

from __future__ import annotations

import itertools
import random
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import PayloadTooBig, RemoteProtocolError
from fullduplex.kernels import utf8_prefix
from fullduplex.kernels.pure import ReadableBuffer
from fullduplex.protocol.events import Binary, Chunk, Text
from fullduplex.protocol.frames import Opcode, Piece
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.messages import CHUNK_SIZE, MessageReader
from fullduplex.protocol.states import Side

from .wire import cut, deflated

Message = Text | Binary


def pieces(*parts: bytes, opcode: Opcode = Opcode.TEXT, rsv: int = 0) -> list[Piece]:
    """Return the pieces of a message with a frame for each part."""
    last = len(parts) - 1
    return [
        Piece(opcode if at == 0 else Opcode.CONTINUATION, 0 if at else rsv, at == last, part, True)
        for at, part in enumerate(parts)
    ]


def dribbled(*parts: bytes, opcode: Opcode = Opcode.TEXT, rsv: int = 0) -> list[Piece]:
    """Return the pieces of a message with one frame, which arrives part by part."""
    last = len(parts) - 1
    return [Piece(opcode, rsv, True, part, at == last) for at, part in enumerate(parts)]


def read(message: list[Piece], limits: Limits | None = None, extension: Any = None) -> list[Message]:
    """Return the messages that a new reader makes of pieces."""
    reader = MessageReader(limits or Limits(), extension)
    return [found for piece in message if (found := reader.receive(piece)) is not None]


ARRIVALS = [pieces, dribbled]


@pytest.mark.parametrize("arrive", ARRIVALS)
@pytest.mark.parametrize(
    "parts",
    [
        ["你好"],
        ["Hel", "lo"],
        ["", "Hel", "", "lo", ""],
        ["", ""],
        [""],
        list("一个字一个字"),
    ],
)
def test_text_is_put_together(parts: list[str], arrive: Any) -> None:
    """Fragments of a text make one string, empty ones included (5.4)."""
    assert read(arrive(*map(str.encode, parts))) == [Text("".join(parts))]


@pytest.mark.parametrize("arrive", ARRIVALS)
def test_binary_is_put_together(arrive: Any) -> None:
    """Fragments of a binary message make one bytes object, whatever is in them."""
    [message] = read(arrive(b"\xff\xfe", b"", b"\xed\xa0", opcode=Opcode.BINARY))

    assert message == Binary(b"\xff\xfe\xed\xa0")
    assert type(message.data) is bytes


@pytest.mark.parametrize("arrive", ARRIVALS)
def test_messages_are_kept_apart(arrive: Any) -> None:
    """What one message had is forgotten when the next begins."""
    script = arrive(b"a", b"b") + arrive(b"\xff", opcode=Opcode.BINARY) + arrive(b"c") + arrive(b"d", b"")
    script += arrive(b"", b"e") + arrive(b"\xfe", opcode=Opcode.BINARY)

    assert read(script) == [Text("ab"), Binary(b"\xff"), Text("c"), Text("d"), Text("e"), Binary(b"\xfe")]


# 8.1: text must be UTF-8, and fails at the first byte that can't be.

BROKEN_TEXTS = [
    b"\xff",
    b"\x80",
    b"abc\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xed\xa0",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90",
    b"\xf5",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0",
]


@pytest.mark.parametrize("text", BROKEN_TEXTS)
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_broken_text_fails_at_once(text: bytes, arrive: Any) -> None:
    """The byte that can't be UTF-8 fails the message, though more is to come."""
    for parts in ([text, b""], [*cut(text, range(100)), b""]):
        with pytest.raises(RemoteProtocolError, match="isn't UTF-8") as caught:
            read(arrive(*parts)[:-1])
        assert caught.value.close_code == 1007


@pytest.mark.parametrize("text", [*BROKEN_TEXTS, b"\xe4", b"\xe4\xbd", b"ok\xf0\x9f\x98"])
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_broken_text_fails_at_end(text: bytes, arrive: Any) -> None:
    """Text that is broken, or ends in the middle of a character, isn't given out."""
    for parts in ([text], [b"", text, b""], cut(text, range(100))):
        with pytest.raises(RemoteProtocolError, match="isn't UTF-8") as caught:
            read(arrive(*parts))
        assert caught.value.close_code == 1007


@given(text=st.text(), places=st.lists(st.integers(1, 40)))
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_characters_may_be_cut(arrive: Any, text: str, places: list[int]) -> None:
    """A character may be spread over fragments and reads."""
    assert read(arrive(*cut(text.encode(), places))) == [Text(text)]


def test_text_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts a text has, each of its bytes is checked once, but for begun characters."""
    checked: list[int] = []

    def count(data: ReadableBuffer, final: bool) -> int:
        checked.append(len(data))
        return utf8_prefix(data, final)

    monkeypatch.setattr("fullduplex.protocol.messages.utf8_prefix", count)
    parts = cut("汉字".encode() * 1000, range(0, 6000, 4))

    assert read(pieces(*parts)) == [Text("汉字" * 1000)]
    assert sum(checked) <= 6000 + 3 * len(parts)


def test_next_text_starts_afresh() -> None:
    """After a fragmented text the next one is checked from its own beginning."""
    reader = MessageReader(Limits())
    for piece in pieces("长".encode(), b"x") + pieces(b"a", b""):
        reader.receive(piece)

    with pytest.raises(RemoteProtocolError):
        reader.receive(pieces(b"\xa0", b"")[0])


# Limits.


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("arrive", ARRIVALS)
@pytest.mark.parametrize("parts", [[b"x" * 10], [b"x" * 5] * 2, [b"x"] * 10, [b"", b"x" * 10, b""]])
def test_limit_may_be_filled(parts: list[bytes], arrive: Any, opcode: Opcode) -> None:
    """A message of exactly the limit is given out."""
    [message] = read(arrive(*parts, opcode=opcode), Limits(message=10))

    assert len(message.data) == 10


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("arrive", ARRIVALS)
@pytest.mark.parametrize("parts", [[b"x" * 11], [b"x" * 6, b"x" * 5], [b"x"] * 11, [b"", b"x" * 11, b""]])
def test_limit_is_of_the_message(parts: list[bytes], arrive: Any, opcode: Opcode) -> None:
    """A message over the limit fails, in however many fragments it comes."""
    with pytest.raises(PayloadTooBig) as caught:
        read(arrive(*parts, opcode=opcode), Limits(message=10))
    assert caught.value.limit == 10


def test_limit_may_be_none() -> None:
    """Without a limit, messages are as large as they are."""
    reader = MessageReader(Limits(message=None))
    assert reader.room is None

    assert read(pieces(b"x" * 2_000_000, b"y"), Limits(message=None)) == [Text("x" * 2_000_000 + "y")]


def test_limit_of_zero_is_a_limit() -> None:
    """With a limit of 0 only empty messages pass."""
    assert read(pieces(b"", b""), Limits(message=0)) == [Text("")]
    with pytest.raises(PayloadTooBig):
        read(pieces(b"", b"x"), Limits(message=0))
    with pytest.raises(PayloadTooBig):
        read(pieces(b"x"), Limits(message=0))


def test_room_shrinks_and_comes_back() -> None:
    """There is room for what is left of the limit, and all of it again for the next message."""
    reader = MessageReader(Limits(message=10))
    rooms = []
    for piece in pieces(b"xxx", b"", b"xxxx", b"xx") + pieces(b"y"):
        rooms.append(reader.room)
        reader.receive(piece)

    assert rooms == [10, 7, 7, 3, 10]
    assert reader.room == 10


@pytest.mark.parametrize("part", [b"", b"x"])
def test_fragments_are_limited(part: bytes) -> None:
    """A message may have as many fragments as the limit says, empty ones counted."""
    limits = Limits(fragments=5)

    assert read(pieces(*[part] * 5), limits) == [Text("x" * 5 * len(part))]
    with pytest.raises(RemoteProtocolError, match="more than 5 fragments") as caught:
        read(pieces(*[part] * 7)[:6], limits)
    assert caught.value.close_code == 1009


def test_reads_are_no_fragments() -> None:
    """A frame that arrives in many reads is one fragment."""
    assert read(dribbled(*[b"x"] * 100), Limits(fragments=1)) == [Text("x" * 100)]


def test_fragments_are_counted_for_each_message() -> None:
    """The count begins again with each message."""
    assert len(read(pieces(b"a", b"b") * 10, Limits(fragments=2))) == 10


def test_fragments_cost_no_objects() -> None:
    """The parts of a message are kept in one buffer that grows with their sum alone."""
    reader = MessageReader(Limits(fragments=70_000))
    reader.receive(Piece(Opcode.BINARY, 0, False, b"", True))
    for part in [b"", b"x"] * 30_000:
        reader.receive(Piece(Opcode.CONTINUATION, 0, False, part, True))

    kept = [getattr(reader, name) for name in reader.__slots__]
    assert [len(one) for one in kept if isinstance(one, list | bytes | bytearray)] == [30_000]


# Compressed messages.


def deflate(data: bytes, **settings: int) -> bytes:
    """Compress a message by itself (RFC 7692 7.2.1)."""
    compressor = zlib.compressobj(wbits=-15, **settings)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


@pytest.mark.parametrize("arrive", ARRIVALS)
def test_marked_message_is_inflated(arrive: Any) -> None:
    """A message marked by RSV1 is inflated as a whole, and one without the mark isn't (RFC 7692 6)."""
    data = deflate("压缩的消息".encode() * 20)
    script = arrive(*cut(data, range(0, 200, 3)), rsv=0x40) + arrive(b"plain", b" text")

    assert read(script, extension=deflated(Side.SERVER)) == [Text("压缩的消息" * 20), Text("plain text")]


def test_inflated_text_is_checked() -> None:
    """Text must be UTF-8 once it is inflated, and fails as soon as it isn't."""
    for text in BROKEN_TEXTS:
        [first, *_] = pieces(deflate(text) + b"\0\0\xff\xff", b"", rsv=0x40)
        with pytest.raises(RemoteProtocolError, match="isn't UTF-8") as caught:
            read([first], extension=deflated(Side.SERVER))
        assert caught.value.close_code == 1007


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_inflated_limit_may_be_filled(size: int, arrive: Any) -> None:
    """The limit counts what comes out of the inflating, and may be filled."""
    data = deflate(b"a" * size)

    for parts in ([data], cut(data, range(100))):
        [message] = read(
            arrive(*parts, opcode=Opcode.BINARY, rsv=0x40), Limits(message=1000), deflated(Side.SERVER)
        )
        assert message == Binary(b"a" * size)


@pytest.mark.parametrize("size", [1001, 2000, 5_000_000])
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_bomb_is_defused(size: int, arrive: Any) -> None:
    """A message that inflates beyond the limit fails, with no more than the limit and a byte in memory."""
    data = deflate(b"a" * size)

    for parts in ([data], [data[:3], data[3:]]):
        reader = MessageReader(Limits(message=1000), deflated(Side.SERVER))
        script = arrive(*parts, opcode=Opcode.BINARY, rsv=0x40)
        with pytest.raises(PayloadTooBig) as caught:
            [reader.receive(piece) for piece in script]
        assert caught.value.limit == 1000
        assert len(reader._buffer) <= 1001


def test_bomb_in_instalments_is_defused() -> None:
    """Fragments that each inflate to little are added up."""
    compressor = deflated(Side.CLIENT)
    reader = MessageReader(Limits(message=1000), deflated(Side.SERVER))
    fragments = [compressor.encode(b"a" * 100, ends_message=False) for _ in range(11)]
    *sound, last = pieces(*fragments, b"", opcode=Opcode.BINARY, rsv=0x40)[:11]

    assert [reader.receive(piece) for piece in sound] == [None] * 10
    with pytest.raises(PayloadTooBig):
        reader.receive(last)


@pytest.mark.parametrize("memory_level", [1, 2, 5, 9])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
@pytest.mark.parametrize("bits", [0, 0x90], ids=["any", "high"])
def test_data_that_grows_is_no_bomb(memory_level: int, strategy: int, bits: int) -> None:
    """There is room for a message of the limit that compression made larger, however little memory it had."""
    # Fixed codes take nine bits for high bytes.
    noise = bytes(byte | bits for byte in random.Random(7).randbytes(100_000))
    data = deflate(noise, memLevel=memory_level, strategy=strategy)
    limits = Limits(message=len(noise))
    reader = MessageReader(limits, deflated(Side.SERVER))

    assert reader.room == len(noise)
    assert len(data) <= reader.room + reader.extra_room
    assert [reader.receive(piece) for piece in pieces(data, opcode=Opcode.BINARY, rsv=0x40)] == [
        Binary(noise)
    ]


def test_flushed_fragments_are_no_bomb() -> None:
    """There is room for what each flush adds to a fragment."""
    compressor = deflated(Side.CLIENT)
    reader = MessageReader(Limits(message=5000), deflated(Side.SERVER))
    rooms: list[tuple[int, int | None]] = []
    for at in range(5000):
        payload = compressor.encode(bytes([at % 251]), ends_message=at == 4999)
        extra = 0 if at else reader.extra_room
        rooms.append((len(payload) - extra, reader.room))
        opcode = Opcode.CONTINUATION if at else Opcode.BINARY
        message = reader.receive(Piece(opcode, 0 if at else 0x40, at == 4999, payload, True))

    assert all(room is not None and length <= room for length, room in rooms)
    assert message == Binary(bytes(at % 251 for at in range(5000)))


def test_compressed_bytes_are_limited() -> None:
    """Bytes that inflate to nothing are limited all the same."""
    reader = MessageReader(Limits(message=1000, fragments=10), deflated(Side.SERVER))
    reader.receive(Piece(Opcode.BINARY, 0x40, False, b"", True))
    reader.receive(Piece(Opcode.CONTINUATION, 0, False, b"\0\0\0\xff\xff" * 100, True))

    assert reader.room is not None
    assert reader.room < 1500
    assert MessageReader(Limits(message=10**6), deflated(Side.SERVER)).room < 1_200_000  # type: ignore[operator]


# Messages in pieces.


def stream(message: list[Piece], limits: Limits | None = None, extension: Any = None) -> list[Chunk]:
    """Return the chunks that a new reader makes of the pieces of one message."""
    reader = MessageReader(limits or Limits(), extension)
    assert reader.start_streaming() is None
    return [chunk for piece in message for chunk in reader.stream(piece)]


def joined(chunks: list[Chunk]) -> Message:
    """Return the message that chunks are parts of; see that they are what chunks should be."""
    assert [chunk.ends_message for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(chunk.data for chunk in chunks[:-1])
    if isinstance(chunks[0].data, str):
        return Text("".join(chunk.data for chunk in chunks if isinstance(chunk.data, str)))
    return Binary(b"".join(chunk.data for chunk in chunks if isinstance(chunk.data, bytes)))


@given(
    message=st.text(max_size=30).map(lambda text: Text(text * 9)) | st.binary(max_size=60).map(Binary),
    places=st.lists(st.integers(1, 300)),
    compressed=st.booleans(),
    chunk_size=st.sampled_from([1, 2, 3, 50, 65_536]),
)
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_chunks_make_the_message(
    arrive: Any, message: Message, places: list[int], compressed: bool, chunk_size: int
) -> None:
    """Joined, the chunks are the message; each is of its type, and none is empty but perhaps the last."""
    data = message.data.encode() if isinstance(message, Text) else message.data
    script = arrive(
        *cut(deflate(data) if compressed else data, places),
        opcode=Opcode.TEXT if isinstance(message, Text) else Opcode.BINARY,
        rsv=0x40 if compressed else 0,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fullduplex.protocol.messages.CHUNK_SIZE", chunk_size)
        chunks = stream(script, extension=deflated(Side.SERVER))

    assert joined(chunks) == message
    if compressed:
        # An incomplete character, of three bytes at most, may be added.
        assert all(len(chunk.data) <= chunk_size + 3 for chunk in chunks)


@pytest.mark.parametrize("arrive", ARRIVALS)
def test_chunks_come_with_their_pieces(arrive: Any) -> None:
    """What a piece has is given at once, but for a character that isn't complete."""
    reader = MessageReader(Limits())
    reader.start_streaming()
    chunks = [list(reader.stream(piece)) for piece in arrive(b"a\xe4", b"\xbd", b"", b"\xa0b", b"")]

    assert chunks == [[Chunk("a", False)], [], [], [Chunk("你b", False)], [Chunk("", True)]]
    assert reader.buffered == 0


@pytest.mark.parametrize("arrive", ARRIVALS)
@pytest.mark.parametrize("text", BROKEN_TEXTS)
def test_broken_chunk_fails_at_once(text: bytes, arrive: Any) -> None:
    """The byte that can't be UTF-8 fails the message, though what came before it was given."""
    for parts in ([text, b""], [*cut(text, range(100)), b""]):
        with pytest.raises(RemoteProtocolError, match="isn't UTF-8") as caught:
            stream(arrive(*parts)[:-1])
        assert caught.value.close_code == 1007


@pytest.mark.parametrize("arrive", ARRIVALS)
@pytest.mark.parametrize("text", [b"\xe4", b"\xe4\xbd", b"ok\xf0\x9f\x98"])
def test_half_a_character_fails_at_end(text: bytes, arrive: Any) -> None:
    """A text in chunks must not end within a character either, be it compressed or not."""
    for parts in ([text], cut(text, range(100)), [text, b""]):
        with pytest.raises(RemoteProtocolError, match="isn't UTF-8"):
            stream(arrive(*parts))
    with pytest.raises(RemoteProtocolError, match="isn't UTF-8"):
        stream(arrive(deflate(text), rsv=0x40), extension=deflated(Side.SERVER))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("arrive", ARRIVALS)
def test_limit_counts_all_chunks(arrive: Any, compressed: bool) -> None:
    """The limit is of the whole message, though nothing of it is kept."""

    def script(size: int) -> list[Piece]:
        data = b"x" * size
        parts = cut(deflate(data) if compressed else data, range(0, size, 3))
        found: list[Piece] = arrive(*parts, opcode=Opcode.BINARY, rsv=0x40 if compressed else 0)
        return found

    limits = Limits(message=1000)
    assert joined(stream(script(1000), limits, deflated(Side.SERVER))) == Binary(b"x" * 1000)
    reader = MessageReader(limits, deflated(Side.SERVER))
    reader.start_streaming()
    given_out: list[Chunk] = []
    with pytest.raises(PayloadTooBig) as caught:
        given_out.extend(chunk for piece in script(1001) for chunk in reader.stream(piece))
    assert caught.value.limit == 1000
    assert sum(len(chunk.data) for chunk in given_out) <= 1000


def test_chunks_leave_room() -> None:
    """There is room for what is left of the limit, and all of it again after the last chunk."""
    reader = MessageReader(Limits(message=10))
    reader.start_streaming()
    rooms = []
    for piece in pieces(b"xxx", b"", b"xxxx", b"xx"):
        rooms.append(reader.room)
        list(reader.stream(piece))

    assert rooms == [10, 7, 7, 3]
    assert reader.room == 10


def test_streamed_fragments_are_not_limited() -> None:
    """As fragments that are given out cost nothing, there may be any number of them."""
    assert joined(stream(pieces(*[b"x"] * 100), Limits(fragments=5))) == Text("x" * 100)


@pytest.mark.parametrize("arrive", ARRIVALS)
def test_bomb_comes_in_chunks(arrive: Any) -> None:
    """A message without limit that inflates to much comes bit by bit, in memory for one of them."""
    size = 50_000_000
    payload = deflate(bytes(size))
    reader = MessageReader(Limits(message=None), deflated(Side.SERVER))
    reader.start_streaming()
    script = arrive(*cut(payload, [9, 20_000]), opcode=Opcode.BINARY, rsv=0x40)
    received, largest = 0, 0
    tracemalloc.start()
    for piece in script:
        for data, _ in reader.stream(piece):
            received += len(data)
            largest = max(largest, len(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert received == size
    assert largest <= CHUNK_SIZE
    assert peak < 16 * CHUNK_SIZE


def test_stream_begins_within_message() -> None:
    """Asked for in the middle of a message, chunks begin with what there is of it."""
    reader = MessageReader(Limits(message=100))
    first, second, last = pieces(b"abc\xe4", b"\xbd\xa0", b"d")
    assert reader.receive(first) is None
    assert reader.start_streaming() == Chunk("abc", False)
    assert reader.start_streaming() is None
    assert list(reader.stream(second)) == [Chunk("你", False)]
    assert list(reader.stream(last)) == [Chunk("d", True)]


@pytest.mark.parametrize("begun", [b"\xe4", b""])
def test_stream_begins_with_no_empty_chunk(begun: bytes) -> None:
    """If all there is of the message is less than a character, there is no chunk yet."""
    reader = MessageReader(Limits())
    first, last = pieces(begun, b"\xbd\xa0" if begun else b"x")
    assert reader.receive(first) is None

    assert reader.start_streaming() is None
    assert list(reader.stream(last)) == [Chunk("你" if begun else "x", True)]


def test_stream_within_message_is_limited() -> None:
    """What came of a message before chunks were asked for counts as well."""
    reader = MessageReader(Limits(message=10))
    first, second, _ = pieces(b"x" * 6, b"x" * 5, b"", opcode=Opcode.BINARY)
    reader.receive(first)
    assert reader.start_streaming() == Chunk(b"x" * 6, False)

    with pytest.raises(PayloadTooBig):
        list(reader.stream(second))


def test_next_message_is_whole_again() -> None:
    """Chunks are of one message."""
    reader = MessageReader(Limits())
    reader.start_streaming()
    first, second = pieces(b"a", b"b")
    assert list(reader.stream(first)) == [Chunk("a", False)]
    assert reader.is_streaming
    assert list(reader.stream(second)) == [Chunk("b", True)]

    assert not reader.is_streaming
    assert [reader.receive(piece) for piece in pieces(b"c", b"d")] == [None, Text("cd")]


def test_stream_may_be_called_off() -> None:
    """Chunks that were asked for aren't given if that is taken back before the message begins."""
    reader = MessageReader(Limits())
    reader.start_streaming()
    reader.stop_streaming()
    assert not reader.is_streaming
    assert [reader.receive(piece) for piece in pieces(b"a")] == [Text("a")]


@pytest.mark.parametrize("first", [b"a", b""])
def test_begun_stream_goes_on(first: bytes) -> None:
    """A message that was begun in chunks ends in chunks; the next one is whole."""
    reader = MessageReader(Limits())
    reader.start_streaming()
    begin, end = pieces(first, b"b")
    list(reader.stream(begin))
    reader.stop_streaming()
    assert reader.is_streaming
    assert list(reader.stream(end)) == [Chunk("b", True)]
    assert not reader.is_streaming


@given(
    text=st.text(max_size=20).map(lambda text: text * 20),
    places=st.lists(st.integers(1, 60)),
    breaks=st.lists(st.integers(1, 3), min_size=1),
)
def test_chunks_may_be_taken_later(text: str, places: list[int], breaks: list[int]) -> None:
    """What a generator that is closed didn't give, ``catch_up`` does; the next message is read as ever."""
    reader = MessageReader(Limits(), deflated(Side.SERVER))
    turn = itertools.cycle(breaks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fullduplex.protocol.messages.CHUNK_SIZE", 7)
        for _ in range(2):
            reader.start_streaming()
            found: list[Chunk] = []
            for piece in pieces(*cut(deflate(text.encode()), places), rsv=0x40):
                chunks = reader.stream(piece)
                while some := list(itertools.islice(chunks, next(turn))):
                    found += some
                    chunks.close()
                    chunks = reader.catch_up()
                assert not reader.is_behind
            assert joined(found) == Text(text)


def test_plain_pieces_leave_nothing_behind() -> None:
    """Without an extension, a piece is one chunk, and there is nothing to catch up with."""
    reader = MessageReader(Limits())
    reader.start_streaming()
    first, last = pieces(b"x" * 3 * CHUNK_SIZE, b"")
    assert [len(chunk.data) for chunk in reader.stream(first)] == [3 * CHUNK_SIZE]
    assert not reader.is_behind
    assert list(reader.catch_up()) == []
    assert list(reader.stream(last)) == [Chunk("", True)]


def test_compressed_message_without_extension() -> None:
    """A piece that is marked though no extension was agreed to is taken as it is: ``frames`` refuses it."""
    assert read(pieces(b"a", b"b", rsv=0x40)) == [Text("ab")]
    assert joined(stream(pieces(b"a", b"b", rsv=0x40))) == Text("ab")


class Recorder:
    """An extension that changes nothing, and notes how much it was asked for."""

    name, rsv, is_behind = "x-recorder", 0x40, False

    def __init__(self) -> None:
        self.sizes: list[int | None] = []

    def decode(self, data: bytes, *, ends_message: bool, size: int | None) -> bytes:
        """Note the size."""
        self.sizes.append(size)
        return data


@pytest.mark.parametrize("limit, extra", [(None, 16), (0, 16), (6, 16), (7, 17), (1000, 158)])
def test_extra_room_is_for_growth(limit: int | None, extra: int) -> None:
    """Compression may add a seventh to a message, and 16 bytes to each of its frames."""
    assert MessageReader(Limits(message=limit), deflated(Side.SERVER)).extra_room == extra


def test_inflating_is_limited() -> None:
    """No more is asked of the extension than one byte over what the message may still have."""
    recorder = Recorder()
    reader = MessageReader(Limits(message=70), recorder)  # type: ignore[arg-type]
    rooms = [reader.room, reader.extra_room]
    for opcode, rsv, fin in ((Opcode.BINARY, 0x40, False), (Opcode.CONTINUATION, 0, False)):
        assert reader.receive(Piece(opcode, rsv, fin, b"abcd", True)) is None
        rooms.append(reader.room)

    assert recorder.sizes == [71, 67]
    # The limit, and if it is compressed a seventh of it, and 16 bytes for each fragment, this one included.
    assert rooms == [70, 10 + 16, 70 + 10 + 32 - 4, 70 + 10 + 48 - 8]
