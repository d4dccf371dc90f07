"""What is fuzzed: each target takes any bytes, and raises if our code does what it must never do.

The first two bytes of an input are choices, the rest is what a peer sends.  A target plays that several
times, whole and in pieces, and compares.  Nothing here needs the fuzzer: cases are replayed as tests.

What must hold of every input:

1. Nothing but the exceptions that are documented comes out.
2. However the bytes are split into reads, and wherever reading pauses, the same comes of them.
3. Of what is written, every frame is well formed, and after a Close frame there are no others than pongs.
4. What is kept is bounded by the limits, and not by what was sent.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from checks import (
    LIMITS,
    MOST_KEPT,
    Choices,
    Played,
    check_answers,
    check_memory,
    compare,
    kept,
    reads,
    split_input,
    written_frames,
)
from side_by_side import fuzz_engine

from fullduplex.close import CloseCode
from fullduplex.exceptions import InvalidHandshake, InvalidProxy, InvalidProxyMessage, InvalidURI, ProxyError
from fullduplex.protocol import client
from fullduplex.protocol.client import ClientConnection
from fullduplex.protocol.connection import Connection
from fullduplex.protocol.events import Broken, Chunk, CloseReceived, Event, HandOver
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.headers import (
    Headers,
    build_extensions,
    parse_authorization_basic,
    parse_extensions,
    parse_tokens,
)
from fullduplex.protocol.http11 import Request
from fullduplex.protocol.proxy import HTTPTunnel, Tunnel, parse_proxy
from fullduplex.protocol.server import ServerConnection
from fullduplex.protocol.socks import SOCKSTunnel
from fullduplex.protocol.states import Side, State
from fullduplex.protocol.uri import parse_uri

#: The same for every client, so that an input means the same whenever it is played (1.3).
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

_RESPONSE_HEAD = re.compile(
    rb"HTTP/1\.1 \d{3} [\x20-\x7e]*\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*\r\n)+\r\n"
)


# Frames


def fuzz_frames(data: bytes) -> None:
    """Give any bytes to an open connection."""
    choices, stream = split_input(data)
    pieces = list(reads(stream, choices.seed))
    outcomes = [play_frames(choices, each) for each in pieces]
    outcomes.append(play_frames(choices, [stream], pauses=True))
    compare(outcomes)
    # Not compared: a message that ends within a block, against RFC 7692 7.2.1, goes on in the next one if
    # its context is still there, and zlib doesn't tell.
    play_frames(choices, pieces[-1], rests=True)


def open_connection(choices: Choices) -> Connection:
    """Make a connection of either side, with or without compression and its context takeover."""
    connection = Connection(Side(choices.has(0)), LIMITS)
    factory = PerMessageDeflateFactory(server_max_window_bits=9 + choices.has(6), client_max_window_bits=9)
    parameters: list[tuple[str, str | None]] = []
    if choices.has(2):
        parameters = [("server_no_context_takeover", None), ("client_no_context_takeover", None)]
    if not choices.has(1):
        connection.open(None)
    elif connection.side is Side.SERVER:
        connection.open(factory.accept_offer([*parameters, ("client_max_window_bits", None)])[1])
    else:
        connection.open(factory.accept_response(parameters))
    connection.output_is_blocked = choices.has(3)
    return connection


def play_frames(
    choices: Choices, pieces: Sequence[bytes], *, pauses: bool = False, rests: bool = False
) -> Played:
    """Give a connection some reads.

    With ``pauses``, stop reading after each event; with ``rests``, let zlib's contexts go after each read.
    """
    connection = open_connection(choices)
    streams = choices.has(4)
    if streams:
        connection.start_streaming()
    events: list[Event] = []
    output: list[bytes] = []
    for at, piece in enumerate(pieces):
        for event in receive(connection, piece, pauses=pauses):
            events.append(event)
            if streams and isinstance(event, Chunk) and event.ends_message:
                connection.start_streaming()
        output += connection.data_to_send()
        check_memory(connection, at, pieces)
        for _ in range(2 if rests and connection.extension is not None else 0):
            connection.extension.release_if_idle()
    connection.output_is_blocked = False
    output += connection.data_to_send()
    frames = written_frames(b"".join(output), connection.side)
    check_answers(frames, events)
    codes = [(first, code_of(payload) if first == 0x88 else payload) for first, payload in frames]
    told = list(joined(events))
    assert not any(isinstance(event, CloseReceived) for event in told[:-1]), "read on after a Close frame"
    return Played(told, codes, connection.state, connection.ending)


def code_of(payload: bytes) -> int:
    """Return the code of a Close frame, the same for bad data and too much of it.

    A compressed message may be both, and which is seen first depends on how much is inflated at once.
    """
    code = int.from_bytes(payload[:2], "big")
    return CloseCode.INVALID_DATA if code == CloseCode.MESSAGE_TOO_BIG else code


def receive(connection: Connection, data: bytes, *, pauses: bool) -> Iterator[Event]:
    """Give the events of one read."""
    more = True
    while more:
        more = False
        found = connection.receive(data)
        for event in found:
            if isinstance(event, Broken):
                connection.fail(event.code, event.reason)
            else:
                yield event
            if pauses:
                more = True
                break
        found.close()
        data = b""


def joined(events: Sequence[Event]) -> Iterator[object]:
    """Put chunks together; of a message that isn't whole, they depend on the reads."""
    chunks: list[Any] = []
    for event in events:
        if not isinstance(event, Chunk):
            assert not isinstance(event, Broken)
            yield event
            continue
        assert event.data or event.ends_message, "an empty chunk"
        chunks.append(event.data)
        if event.ends_message:
            whole = type(event.data)().join(chunks)
            assert len(whole.encode() if isinstance(whole, str) else whole) <= 300, "over the limit"
            yield Chunk(whole, True)
            chunks = []


# The opening handshake


def fuzz_request(data: bytes) -> None:
    """Give any bytes to a server, as a request and what follows it."""
    choices, stream = split_input(data)
    compare([play_request(choices, each) for each in reads(stream, choices.seed)])


def play_request(choices: Choices, pieces: Sequence[bytes]) -> Played:
    """Give a server some reads, and answer the request as soon as it is there."""
    connection = ServerConnection(
        origins=["https://a.example", re.compile(r"https://\w+\.b\.example"), None]
        if choices.has(0)
        else None,
        extensions=[PerMessageDeflateFactory()] if choices.has(1) else (),
        subprotocols=["chat", "superchat"] if choices.has(2) else (),
        hands_over=choices.has(3),
        limits=LIMITS,
    )
    events: list[Event] = []
    output: list[bytes] = []
    for at, piece in enumerate(pieces):
        connection.receive_data(piece)
        while found := connection.events_received():
            events += found
            for event in found:
                if isinstance(event, Request):
                    connection.send_response(connection.accept(event))
                    connection.receive_data(b"")
        if isinstance(events[-1] if events else None, HandOver):
            # What comes now isn't ours to read.
            events[-1] = HandOver(events[-1].data + b"".join(pieces[at + 1 :]))
            assert events[-1].data == b"".join(pieces), "not all of it was handed over"
            break
        output += connection.data_to_send()
        check_memory(connection, at, pieces)
    written = check_response(connection, b"".join(output))
    return Played(list(events), written, connection.state, connection.ending)


def check_response(connection: ServerConnection, output: bytes) -> object:
    """See that the response is one, and return of what was written all but the date."""
    response = connection.response
    if response is None:
        assert output == b"", "something was written without a response"
        return None
    head = _RESPONSE_HEAD.match(output)
    assert head, f"malformed response: {output!r}"
    rest = output[head.end() :]
    if response.status_code == 101:
        assert connection.handshake_exception is None, "accepted what was refused"
        return re.sub(rb"Date: [^\r]*", b"", head[0]), written_frames(rest, Side.SERVER)
    assert 400 <= response.status_code <= 505
    assert connection.state is State.CLOSED
    assert rest == response.body, "a refusal has no frames after it"
    if response.status_code == 431:
        # A line may be one too many and too long as well: which is said depends on the reads.
        return response.status_code
    return re.sub(rb"Date: [^\r]*", b"", head[0]), rest


def fuzz_response(data: bytes) -> None:
    """Give any bytes to a client, as the response to its request and what follows it."""
    choices, stream = split_input(data)
    compare([play_response(choices, each) for each in reads(stream, choices.seed)])


def make_client(choices: Choices) -> ClientConnection:
    """Make a client whose key is known."""
    make_key, client.make_key = client.make_key, lambda: KEY
    try:
        return ClientConnection(
            parse_uri("ws://server.example/chat"),
            extensions=[PerMessageDeflateFactory()] if choices.has(1) else (),
            subprotocols=["chat", "superchat"] if choices.has(2) else (),
            limits=LIMITS,
        )
    finally:
        client.make_key = make_key


def play_response(choices: Choices, pieces: Sequence[bytes]) -> Played:
    """Give a client a response, whole or in pieces, and then perhaps the end."""
    connection = make_client(choices)
    connection.send_request(connection.connect())
    connection.data_to_send()
    events: list[Event] = []
    output: list[bytes] = []
    for at, piece in enumerate(pieces):
        connection.receive_data(piece)
        events += connection.events_received()
        output += connection.data_to_send()
        check_memory(connection, at, pieces)
    if choices.has(3):
        connection.receive_eof()
    error, response = connection.handshake_exception, connection.response
    assert error is None or isinstance(error, InvalidHandshake), repr(error)
    if connection.state is State.OPEN:
        assert response is not None
        assert response.status_code == 101
    written = written_frames(b"".join(output), Side.CLIENT)
    told = [repr(error), response, connection.subprotocol, *events]
    return Played(told, written, connection.state, connection.ending)


# Proxies


def fuzz_proxy(data: bytes) -> None:
    """Give any bytes to a tunnel, as what a proxy answers."""
    choices, stream = split_input(data)
    compare([play_proxy(choices, each) for each in reads(stream, choices.seed)])


def play_proxy(choices: Choices, pieces: Sequence[bytes]) -> Played:
    """Give a tunnel some reads, until it is open or fails."""
    tunnel = make_tunnel(choices)
    output = [tunnel.data_to_send()]
    error: ProxyError | None = None
    left = list(pieces)
    while left and not tunnel.is_open and error is None:
        piece = left.pop(0)
        try:
            tunnel.receive_data(piece)
        except ProxyError as caught:
            error = caught
        output.append(tunnel.data_to_send())
        assert kept(tunnel) < MOST_KEPT + len(piece), "more is kept than the limits allow"
    # What comes behind the answer is refused, and it may come in a read of its own.
    outcome = "open" if tunnel.is_open and error is None and not any(left) else type(error)
    if tunnel.is_open and outcome != "open":
        outcome = InvalidProxyMessage
    return Played([outcome], b"".join(output), State.CONNECTING, tunnel.is_open)


def make_tunnel(choices: Choices) -> Tunnel:
    """Make a tunnel of one kind, to a name, with credentials or without."""
    scheme = ("http", "socks5h", "socks4a", "socks5h")[choices.flags % 4]
    proxy = parse_proxy(f"{scheme}://{'user:password@' if choices.has(2) else ''}proxy.example")
    if scheme == "http":
        return HTTPTunnel(proxy, "server.example", 443, "agent", LIMITS)
    return SOCKSTunnel(proxy, "2001:db8::1" if choices.flags % 4 == 1 else "server.example", 443)


# Values with a grammar


def fuzz_values(data: bytes) -> None:
    """Give any text to the parsers of headers' values and of URIs."""
    text = data.decode("latin-1")
    for parse in (parse_extensions, parse_authorization_basic, lambda text: parse_tokens("Connection", text)):
        try:
            parsed = parse(text)
        except InvalidHandshake:
            continue
        if parse is parse_extensions:
            assert parse_extensions(build_extensions(parsed)) == parsed, "not what was parsed"
    fuzz_addresses(data.decode("utf-8", "replace"))


def fuzz_addresses(text: str) -> None:
    """Give any text to the parsers of addresses; what they accept can be asked for."""
    with contextlib.suppress(InvalidURI):
        uri = parse_uri(text)
        Request(uri.resource_name, Headers({"Host": uri.host_header})).serialize()
    with contextlib.suppress(InvalidProxy):
        proxy = parse_proxy(text)
        if proxy.scheme.startswith("http"):
            HTTPTunnel(proxy, "server.example", 443, None, LIMITS)
        else:
            SOCKSTunnel(proxy, "server.example", 443)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "frames": fuzz_frames,
    "request": fuzz_request,
    "response": fuzz_response,
    "proxy": fuzz_proxy,
    "values": fuzz_values,
    "engine": fuzz_engine,
}
