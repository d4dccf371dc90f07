"""The engine beside its definition: with compression, with TLS, as a client, by scripts and at its limits."""

from __future__ import annotations

import asyncio
import functools
import itertools
import ssl
import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullduplex import Limits

from ..aio.certificate import contexts, make_certificate
from ..loops import LOOPS
from ..transport import twins
from ..transport.test_engine import (
    MAX_SIZE,
    Writes,
    conversations,
    each_loop,
    frame,
    scripts,
)
from ..transport.twins import Outcome, build, check_alike, converse

#: What a client may offer, and how it compresses then: the bits of its window, and if messages stand alone.
OFFERS = {
    "permessage-deflate": (15, False),
    "permessage-deflate; client_max_window_bits": (12, False),
    "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9": (9, False),
    "permessage-deflate; client_no_context_takeover; client_max_window_bits=10": (10, True),
    "permessage-deflate; server_no_context_takeover; client_max_window_bits": (12, False),
}
PAYLOADS = st.one_of(
    st.text(max_size=30).map(str.encode),
    st.builds(
        lambda word, count: word * count, st.sampled_from((b"a", b"word ", b"\xc3\xa9")), st.integers(0, 9000)
    ),
    st.binary(max_size=200),
)


def on_both(
    loop: str,
    prepare: Any,
    steps: Sequence[bytes | str],
    peer: dict[str, Any],
    *,
    clock_stands: bool = False,
    **options: Any,
) -> tuple[Outcome, Outcome]:
    """Have a conversation on both builds, with a peer that is made so."""
    outcomes = []
    for native in (True, False):
        used = build(native=native)
        made = {name: option(used) if callable(option) else option for name, option in options.items()}
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner, pytest.MonkeyPatch.context() as patch:
            if clock_stands:
                now = runner.get_loop().time()
                patch.setattr(runner.get_loop(), "time", lambda now=now: now)
            outcomes.append(runner.run(converse(used, prepare, steps, made, **peer)))
    return outcomes[0], outcomes[1]


def cut(draw: st.DrawFn, stream: bytes) -> Writes:
    """Cut a stream anywhere, and near its beginning."""
    size = len(stream)
    cuts = draw(st.lists(st.one_of(st.integers(0, min(size, 40)), st.integers(0, size)), max_size=6))
    places = sorted({0, size, *cuts})
    return Writes(stream[start:end] for start, end in itertools.pairwise(places))


@st.composite
def compressed(draw: st.DrawFn, offer: str) -> Writes:
    """Draw what a peer writes that compresses some of its messages, of which some are wrong."""
    bits, stands_alone = OFFERS[offer]
    deflate = zlib.compressobj(6, zlib.DEFLATED, -bits)
    stream = b""
    for payload, kind in draw(st.lists(st.tuples(PAYLOADS, st.sampled_from("tbtbtbtbplewx")), max_size=8)):
        if stands_alone:
            deflate = zlib.compressobj(6, zlib.DEFLATED, -bits)
        first = 0xC1 if kind == "t" else 0xC2
        if kind == "p":
            stream += frame(0x82, payload) + frame(0x89, b"!")
            continue
        if kind == "e":
            # An end in the middle (RFC 7692, 7.2.3.5), after which the context is empty.
            data = deflate.compress(payload) + deflate.flush(zlib.Z_FINISH) + b"\0"
            deflate = zlib.compressobj(6, zlib.DEFLATED, -bits)
        elif kind == "w":
            data = payload
        else:
            data = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(
                b"\0\0\xff\xff"
            )
        if kind == "l" and len(data) > 1:
            stream += frame(first & 0x7F, data[:1]) + frame(0x80, data[1:])
        elif kind == "x":
            stream += frame(first, zlib.compress(bytes(200_000), wbits=-bits))
        else:
            stream += frame(first, data)
    return cut(draw, stream)


@each_loop
@pytest.mark.parametrize("offer", OFFERS)
@settings(max_examples=25)
@given(data=st.data())
def test_compressed_events_are_alike(loop: str, offer: str, data: st.DataObject) -> None:
    """Listeners are told the same of compressed messages, and their answers are the same bytes."""
    writes, script = data.draw(compressed(offer)), data.draw(scripts)
    options = {"perMessageDeflate": {"threshold": 10}, "maxPayload": MAX_SIZE}
    native, pure = on_both(
        loop, functools.partial(twins.events, script), writes, {"extensions": offer}, **options
    )

    assert native == pure


@each_loop
@pytest.mark.parametrize("offer", OFFERS)
@settings(max_examples=15)
@given(data=st.data())
def test_compressed_coroutines_are_alike(loop: str, offer: str, data: st.DataObject) -> None:
    """Handlers receive the same of compressed messages, and answer the same."""
    prepare = functools.partial(twins.coroutines, twins.echoes)
    native, pure = on_both(
        loop,
        prepare,
        data.draw(compressed(offer)),
        {"extensions": offer},
        compression=lambda used: used.PerMessageDeflateFactory(threshold=10, level=9, memory_level=9),
        max_size=MAX_SIZE,
    )

    check_alike(native, pure)


STEPS = st.sampled_from(
    (
        *("recv", "recv", "decode", "encode", "next", "wait_for", "time out", "cancel", "shield"),
        *("pieces", "piece", "send", "fragments", "ping", "sleep"),
    )
)


@each_loop
@settings(max_examples=100)
@given(writes=conversations(), script=st.lists(STEPS, max_size=12))
def test_scripts_are_alike(loop: str, writes: list[bytes], script: list[str]) -> None:
    """Handlers that receive in every way, and change their mind, are given the same."""
    prepare = functools.partial(twins.coroutines, functools.partial(twins.follow, script))
    check_alike(*on_both(loop, prepare, writes, {}, max_size=MAX_SIZE))


@each_loop
@settings(max_examples=50)
@given(
    data=st.data(),
    script=st.lists(STEPS, max_size=3),
    ending=st.sampled_from(("close", "raise")),
)
def test_endings_are_alike(loop: str, data: st.DataObject, script: list[str], ending: str) -> None:
    """Handlers that close, or fail, are given the same before and after."""
    prepare = functools.partial(twins.coroutines, functools.partial(twins.follow, [*script, ending]))
    native, pure = on_both(loop, prepare, data.draw(conversations()), {}, max_size=MAX_SIZE)

    # Who closes first, if both do in one read, depends on how much is read at once.
    assert native.told[:-1] == pure.told[:-1]
    assert (native.logged, native.is_over) == (pure.logged, pure.is_over)


@each_loop
@settings(max_examples=50)
@given(
    writes=conversations(),
    script=st.lists(STEPS, max_size=6),
    max_queue=st.sampled_from((None, 1, 2, (4, 0))),
    read_limit=st.sampled_from((1, 1000, 20_000, (70_000, 0))),
)
def test_queues_are_alike(loop: str, writes: list[bytes], script: list[str], **limits: Any) -> None:
    """However little may wait for a handler, it is given the same."""
    prepare = functools.partial(twins.coroutines, functools.partial(twins.follow, script))
    check_alike(*on_both(loop, prepare, writes, {}, max_size=MAX_SIZE, **limits))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make contexts for a server and a client that trusts it."""
    return contexts(make_certificate(tmp_path_factory.mktemp("tls")))


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@each_loop
@settings(max_examples=40)
@given(writes=conversations(), script=scripts)
def test_encrypted_events_are_alike(
    loop: str, certificate: Contexts, writes: list[bytes], script: dict[int, str]
) -> None:
    """Listeners are told the same over TLS, and the peer gets the same bytes, once decrypted."""
    prepare = functools.partial(twins.events, script)
    native, pure = on_both(
        loop, prepare, writes, {"tls": certificate[1]}, ssl=certificate[0], maxPayload=MAX_SIZE
    )

    assert native == pure


@each_loop
@settings(max_examples=40)
@given(writes=conversations(), script=st.lists(STEPS, max_size=8))
def test_encrypted_scripts_are_alike(
    loop: str, certificate: Contexts, writes: list[bytes], script: list[str]
) -> None:
    """Handlers receive the same over TLS, in whatever way they do."""
    prepare = functools.partial(twins.coroutines, functools.partial(twins.follow, script))
    peer = {"tls": certificate[1]}
    check_alike(*on_both(loop, prepare, writes, peer, ssl=certificate[0], max_size=MAX_SIZE))


@st.composite
def moody(draw: st.DrawFn) -> list[bytes | str]:
    """Draw what a peer does that doesn't always read, and shuts down or cuts the connection at some time."""
    steps: list[bytes | str] = list(draw(conversations()))
    for mood in draw(st.lists(st.sampled_from(("deaf", "hear", "shut")), max_size=4)):
        steps.insert(draw(st.integers(0, len(steps))), mood)
    return steps


@each_loop
@settings(max_examples=50)
@given(steps=moody(), script=scripts)
def test_moods_are_alike(loop: str, steps: list[bytes | str], script: dict[int, str]) -> None:
    """Listeners are told the same of peers that are slow, or have shut down their side."""
    script = {**script, 1: "much", 2: "much"}
    native, pure = on_both(loop, functools.partial(twins.events, script), steps, {}, maxPayload=MAX_SIZE)

    assert native == pure


#: What a server may write: right and wrong, unmasked if it is right.
answers_of_servers = st.one_of(
    st.builds(
        lambda first, payload: frame(first, payload, masked=False), st.sampled_from((0x81, 0x82)), PAYLOADS
    ),
    st.builds(
        lambda size: frame(0x82, bytes(size), masked=False),
        st.sampled_from((125, 126, 16_384, 65_536, 70_000)),
    ),
    st.builds(
        lambda first, payload: (
            frame(first, payload, masked=False)
            + frame(0x89, b"!", masked=False)
            + frame(0x80, b"end", masked=False)
        ),
        st.sampled_from((0x01, 0x02)),
        PAYLOADS,
    ),
    st.builds(lambda first: frame(first, b"?", masked=False), st.sampled_from((0x89, 0x8A))),
)
faults_of_servers = st.one_of(
    st.just(frame(0x82, b"masked")),
    st.just(frame(0x82, bytes(MAX_SIZE + 1), masked=False)),
    st.just(frame(0xC1, b"reserved", masked=False)),
    st.just(frame(0x88, b"\x03\xe8bye", masked=False)),
    st.just(frame(0x81, b"a" * 20_000 + b"\xff" * 9000, masked=False)),
    st.binary(min_size=1, max_size=30),
)


@st.composite
def answers_drawn(draw: st.DrawFn) -> Writes:
    """Draw what a server writes, cut anywhere."""
    right = st.lists(answers_of_servers, max_size=8)
    stream = b"".join([*draw(right), *draw(st.lists(faults_of_servers, max_size=1)), *draw(right)])
    return cut(draw, stream)


@each_loop
@settings(max_examples=60)
@given(writes=answers_drawn(), script=st.lists(STEPS, max_size=8))
def test_clients_are_alike(loop: str, writes: list[bytes], script: list[str]) -> None:
    """Clients receive the same of whatever a server writes, and answer the same."""
    outcomes = []
    for native in (True, False):
        handle = functools.partial(twins.follow, script)
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            outcomes.append(
                runner.run(
                    twins.converse_as_client(build(native=native), handle, writes, {"max_size": MAX_SIZE})
                )
            )

    check_alike(*outcomes)


@each_loop
@settings(max_examples=30)
@given(
    writes=conversations(),
    rates=st.fixed_dictionaries(
        {}, optional={"control_rate": st.just(1), "message_rate": st.just(2), "byte_rate": st.just(9000)}
    ),
)
def test_rates_are_alike(loop: str, writes: list[bytes], rates: dict[str, float]) -> None:
    """Who is too fast is told so at the same message."""
    prepare = functools.partial(twins.events, {})
    options = {"limits": Limits(**rates), "maxPayload": MAX_SIZE}
    native, pure = on_both(loop, prepare, writes, {}, clock_stands=True, **options)

    assert native == pure


async def waits(connection: Any, told: list[Any]) -> None:
    """Wait in many ways at once, and tell who goes on in which order."""

    async def wait(name: str, waiting: Any) -> None:
        try:
            told.append((name, await waiting))
        except Exception as error:
            told.append((name, type(error).__name__))

    ping = await connection.ping(b"never answered")
    names = {
        "first closed": connection.wait_closed(),
        "recv": connection.recv(),
        "pong": ping,
        "second closed": connection.wait_closed(),
        "second recv": connection.recv(),
    }
    await asyncio.gather(*(wait(name, waiting) for name, waiting in names.items()))


@each_loop
@pytest.mark.parametrize("steps", [[], [frame(0x81, b"hi")], [frame(0x88, b"")], ["reset"], [b"\xff\xff"]])
def test_waiting_tasks_wake_alike(loop: str, steps: list[bytes | str]) -> None:
    """Tasks that wait on one connection go on in the same order, by the same."""
    native, pure = on_both(loop, functools.partial(twins.coroutines, waits), steps, {})

    assert native.told == pure.told
    assert len(native.told) == 6


async def answers_later(connection: Any, told: list[Any]) -> None:
    """Receive in a task of its own, and answer in this one."""
    told.append(await asyncio.ensure_future(connection.recv()))
    await connection.send("answer")


@each_loop
@pytest.mark.parametrize("size", [8, 20_000])
@pytest.mark.parametrize("offer", ["", "permessage-deflate"])
def test_answers_precede_failures(loop: str, offer: str, size: int) -> None:
    """What came before a broken rule, in the same read, is answered before the connection fails."""
    wrong = frame(0xC1 if offer else 0x81, b"\xff")
    question = "?" * size
    writes = [frame(0x81, question.encode()) + wrong]
    prepare = functools.partial(twins.coroutines, answers_later)
    for outcome in on_both(loop, prepare, writes, {"extensions": offer}, compression="deflate"):
        assert outcome.told[0] == question
        assert [first for first, _ in outcome.frames] == [0x81, 0x88]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("method", ["recv", "send", "__anext__"])
def test_unawaited_coroutines_warn(native: bool, method: str) -> None:
    """Whoever forgets to await what does nothing otherwise is told so."""

    async def handler(connection: Any, told: list[Any]) -> None:
        arguments = ["never"] if method == "send" else []
        with pytest.warns(RuntimeWarning, match=f"Connection.{method}' was never awaited"):
            getattr(connection, method)(*arguments)
        told.append("warned")

    outcome = asyncio.run(
        converse(build(native=native), functools.partial(twins.coroutines, handler), [], {})
    )
    assert outcome.told[0] == "warned"
    assert outcome.data_frames == []
