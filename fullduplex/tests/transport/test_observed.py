"""What observers are told of connections, when, and what it costs those that nobody observes."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from typing import Any
from unittest import mock

import pytest

from fullduplex import browser, emitter, sync
from fullduplex.aio.broadcast import broadcast
from fullduplex.aio.client import connect
from fullduplex.aio.connection import ClientConnection, ServerConnection
from fullduplex.aio.server import serve
from fullduplex.asgi import UvicornProtocol
from fullduplex.emitter import WebSocketServer
from fullduplex.exceptions import ConnectionClosed, InvalidStatus, RemoteProtocolError
from fullduplex.observe import Observer, first_close, side_of
from fullduplex.protocol.client import ClientConnection as ClientProtocol
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Request
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.server import ServerConnection as ServerProtocol
from fullduplex.protocol.states import State
from fullduplex.testing import MemoryTransport, connection_pair
from fullduplex.transport.observed import MAX_PINGS

from ..aio.ends import REQUEST, echo, plain_client, plain_server, url_of
from ..asgi.programs import running
from ..emitter.ends import Recorder, plain_websocket
from ..observe.notes import Notes


async def turns(count: int = 10) -> None:
    """Let everything happen that needs no time."""
    for _ in range(count):
        await asyncio.sleep(0)


async def refuse(connection: Any, request: Any) -> Any:
    """Let nobody in."""
    return connection.respond(403, "No.\n")


# What is told


async def test_life_is_told_in_order() -> None:
    """Both sides' observers hear of the handshake, of messages, pings and the end, in their order."""
    client, server = Notes(), Notes()
    async with connection_pair(echo, client={"observer": client}, server={"observer": server}) as pair:
        pair.to_server.delay = 2
        await pair.client.send("你好")
        await pair.client.recv()
        await (await pair.client.ping())
        await pair.client.close(4000, "bye")
        await pair.server.wait_closed()

    assert client.names == [
        "handshake_started",
        "opened",
        "message_sent",
        "message_received",
        "ping_answered",
        "closed",
    ]
    assert server.names == [
        "handshake_started",
        "opened",
        "message_received",
        "message_sent",
        "ping_received",
        "closed",
    ]
    assert client.connections == [pair.client]
    assert server.connections == [pair.server]
    assert [side_of(one) for one in (pair.client, pair.server)] == ["client", "server"]
    assert client.details("handshake_started")[0][0] is pair.client.request
    assert client.details("message_sent") == server.details("message_received") == [("text", 6, 6)]
    assert client.details("ping_answered") == [(2,)]
    [(error, seconds)] = server.details("closed")
    assert (first_close(error), seconds) == (("remote", 4000), 6)
    assert error.received.reason == "bye"


async def test_observer_hears_first() -> None:
    """When a program learns of something, its observers have heard of it."""
    notes = Notes()

    async def look(connection: ServerConnection) -> None:
        notes.events.append(("handler",))
        await connection.recv()
        notes.events.append(("received",))

    async with connection_pair(look, server={"observer": notes}) as pair:
        await pair.client.send(b"")
        await pair.client.wait_closed()

    assert notes.names == [
        "handshake_started",
        "opened",
        "handler",
        "message_received",
        "received",
        "closed",
    ]


async def test_handshake_time_is_told() -> None:
    """How long the opening took is counted from the acceptance, or from the attempt."""
    client, server = Notes(), Notes()

    def slow(to_client: MemoryTransport, to_server: MemoryTransport) -> None:
        to_client.delay, to_server.delay = 3, 2

    async with connection_pair(client={"observer": client}, server={"observer": server}, disturb=slow):
        assert (client.details("opened"), server.details("opened")) == ([(5,)], [(2,)])


async def test_refusal_is_told_once() -> None:
    """A refused handshake has its response and, on the client's side, its error; nothing closes."""
    client, server = Notes(), Notes()
    with pytest.raises(InvalidStatus):
        async with connection_pair(
            client={"observer": client}, server={"observer": server, "process_request": refuse}
        ):
            pass
    await turns()

    assert client.names == server.names == ["handshake_started", "handshake_failed"]
    [(response, error, _)] = client.details("handshake_failed")
    assert (response.status_code, type(error)) == (403, InvalidStatus)
    [(response, error, _)] = server.details("handshake_failed")
    assert (response.status_code, error) == (403, None)


async def serving(notes: Notes, said: bytes) -> bytes:
    """Say something to a server that is observed; return what it says until it ends, and end after it."""
    async with (
        serve(echo, "localhost", 0, observer=notes, open_timeout=5) as server,
        plain_client(server) as (reader, writer),
    ):
        writer.write(said)
        answer = await reader.read()
        # Of a refusal it is told at once; the transport may take longer.
        assert notes.names[-1] in ("handshake_failed", "closed")
        return answer


async def test_malformed_request_is_told() -> None:
    """A request that makes no sense fails without having started, with what is wrong with it."""
    notes = Notes()
    await serving(notes, b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")

    assert notes.names == ["handshake_failed"]
    [(response, error, _)] = notes.details("handshake_failed")
    assert response.status_code == 400
    assert "header" in str(error)


async def test_silent_client_is_told() -> None:
    """A client that asks for nothing fails by the open time-out."""
    notes = Notes()
    await serving(notes, b"GET")

    [(response, error, seconds)] = notes.details("handshake_failed")
    assert (notes.names, response, type(error)) == (["handshake_failed"], None, TimeoutError)
    assert seconds == pytest.approx(5)


async def test_unreachable_server_is_told() -> None:
    """A client that gets no transport has started, and failed by the system's error."""
    notes = Notes()
    async with plain_server(echo) as server:
        url = url_of(server)
    with pytest.raises(OSError):
        await connect(url, observer=notes, proxy=None)

    [(response, error, _)] = notes.details("handshake_failed")
    assert (notes.names, response) == (["handshake_started", "handshake_failed"], None)
    assert isinstance(error, OSError)


async def test_client_headers_may_be_added() -> None:
    """What an observer adds to a client's request goes out with it."""

    class Marking(Observer):
        def handshake_started(self, connection: Any, request: Any) -> None:
            """Add a header."""
            request.headers["X-Trace"] = "abc"

    async with connection_pair(client={"observer": Marking()}) as pair:
        assert pair.server.request is not None
        assert pair.server.request.headers["X-Trace"] == "abc"


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", 5])
async def test_unsendable_headers_are_left_out(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A header that can't be one is logged, and the request goes out without it."""

    class Breaking(Observer):
        def handshake_started(self, connection: Any, request: Any) -> None:
            """Add what can't be sent."""
            request.headers["X-Trace"] = value

    async with connection_pair(client={"observer": Breaking()}) as pair:
        assert pair.server.request is not None
        assert pair.client.request is not None
        assert "X-Trace" not in pair.server.request.headers
        assert "X-Trace" not in pair.client.request.headers
    assert "without that" in caplog.text


async def test_failing_observer_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A connection whose observers raise at everything lives as any other."""

    class Failing(Notes):
        def _note(self, name: str, connection: Any, *details: Any) -> None:
            super()._note(name, connection, *details)
            raise ZeroDivisionError(name)

    client, server = Failing(), Failing()
    async with connection_pair(echo, client={"observer": client}, server={"observer": server}) as pair:
        await pair.client.send("Hello")
        assert await pair.client.recv() == "Hello"
        await (await pair.client.ping())
        await pair.client.close()
        assert pair.client.close_code == 1000
        await pair.server.wait_closed()

    assert len(caplog.records) == len(client.events) + len(server.events) == 12
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert {record.name for record in caplog.records} == {"fullduplex.client", "fullduplex.server"}


# Messages


async def test_every_message_is_told() -> None:
    """Whole, in fragments, received in pieces, compressed: each message is told once, with both sizes."""
    client, server = Notes(), Notes()
    async with connection_pair(client={"observer": client}, server={"observer": server}) as pair:
        await pair.client.send(b"x" * 5000, compress=True)
        await pair.client.send(["a", "bé"])
        assert [len(await pair.server.recv()) for _ in range(2)] == [5000, 3]
        pair.to_server.chunk = 10_001
        for _ in range(2):
            stream = pair.server.recv_streaming()
            sending = asyncio.ensure_future(pair.client.send("é" * 150_000, compress=False))
            pieces = [str(piece) async for piece in stream]
            await sending
            assert (len(pieces), len("".join(pieces))) == (30, 150_000)

    sent = client.details("message_sent")
    assert [message[:2] for message in sent[:2]] == [("binary", 5000), ("text", 4)]
    assert sent[0][2] < 100
    assert sent[2:] == [("text", 300_000, 300_000)] * 2
    assert server.details("message_received") == sent


async def test_only_sent_messages_are_told() -> None:
    """Messages that wait aren't told of before they are sent, and those that are dropped never."""
    notes = Notes()
    async with connection_pair(
        server={"observer": notes, "write_limit": 100}, client={"max_queue": None}, compression=None
    ) as pair:
        notes.events.clear()
        pair.to_client.stall()
        await asyncio.wait([asyncio.ensure_future(pair.server.send(b"x" * 200))], timeout=1)
        for number in range(5):
            broadcast([pair.server], bytes(number), when_slow="drop_oldest", backlog=2)
        assert notes.details("message_sent") == [("binary", 200, 200)]
        pair.to_client.resume()
        assert [len(await pair.client.recv()) for _ in range(3)] == [200, 3, 4]

    assert [size for _, size, _ in notes.details("message_sent")] == [200, 3, 4]
    assert [name for name in notes.names if "writing" in name] == ["writing_paused", "writing_resumed"]


async def test_pings_without_pongs_are_forgotten() -> None:
    """Of pings that nobody answers only some are kept; the latest are timed."""
    notes = Notes()
    async with connection_pair(client={"observer": notes}) as pair:
        for number in range(MAX_PINGS + 1):
            pair.client.send_ping(b"%d" % number)
        assert len(pair.client._watch.pings) == MAX_PINGS
        await turns()

    assert len(notes.details("ping_answered")) == MAX_PINGS


async def test_unasked_pong_is_no_answer() -> None:
    """A pong for which there was no ping isn't told of."""
    notes = Notes()
    async with connection_pair(client={"observer": notes}) as pair:
        await pair.server.pong(b"?")
        await pair.server.send("")
        await pair.client.recv()

    assert notes.details("ping_answered") == []


# How connections end


async def closed_by(notes: Notes, connection: Any) -> BaseException | None:
    """Wait for the end of a connection, and return the cause that its observer and its program learn of."""
    await connection.wait_closed()
    [(error, _)] = notes.details("closed")
    with pytest.raises(ConnectionClosed) as raised:
        await connection.recv()
    assert type(raised.value.__cause__) is type(error.__cause__)
    assert str(raised.value.__cause__) == str(error.__cause__)
    cause: BaseException | None = error.__cause__
    return cause


async def test_lost_transport_is_the_cause() -> None:
    """The transport's error is told as what ended the connection."""
    notes = Notes()
    async with connection_pair(server={"observer": notes}) as pair:
        pair.cut()
        assert type(await closed_by(notes, pair.server)) is ConnectionResetError


async def test_silence_is_the_cause() -> None:
    """A peer that keepalive found silent is told as a time-out."""
    notes = Notes()
    async with connection_pair(server={"observer": notes, "ping_interval": 20, "ping_timeout": 5}) as pair:
        pair.drop()
        cause = await closed_by(notes, pair.server)

    assert (type(cause), str(cause)) == (TimeoutError, "keepalive ping timeout")


async def test_stuck_peer_is_the_cause() -> None:
    """A peer that takes nothing any more is told as a time-out."""
    notes = Notes()
    async with connection_pair(server={"observer": notes, "ping_interval": 20, "ping_timeout": 5}) as pair:
        pair.to_client.stall()
        pair.server.send_nowait(b"x" * 100_000)
        cause = await closed_by(notes, pair.server)

    assert (type(cause), str(cause)) == (TimeoutError, "the peer took nothing for 5 seconds")


async def test_rate_is_the_cause() -> None:
    """A peer that goes too fast is told as the rule that it broke."""
    notes = Notes()
    async with connection_pair(server={"observer": notes, "limits": Limits(message_rate=2)}) as pair:
        for _ in range(3):
            await pair.client.send("")
        assert [await pair.server.recv() for _ in range(2)] == ["", ""]
        cause = await closed_by(notes, pair.server)

    assert isinstance(cause, RemoteProtocolError)
    assert (cause.close_code, str(cause)) == (1008, "more than 2 messages a second")


async def test_event_face_tells_the_cause() -> None:
    """What the core fails a connection by is an "error" of the event face, before "close"."""
    async with WebSocketServer(host="localhost", port=0, limits=Limits(message_rate=1)) as server:
        recorder = Recorder(server)
        async with plain_websocket(server) as (reader, writer):
            writer.write(b"\x81\x80\0\0\0\0" * 2)
            await reader.read()
        events = await recorder.take(4)

    assert [event[0] for event in events] == ["connection", "message", "error", "close"]
    assert str(events[2][1]) == "more than 1 messages a second"


async def test_broken_rule_stays_the_cause() -> None:
    """What ended a connection first is its cause, whatever fails after it."""
    notes = Notes()
    async with connection_pair(server={"observer": notes}) as pair:
        pair.to_server.write(b"\xff\xff")
        await turns()
        pair.server.fail(1011, "", ZeroDivisionError())
        pair.cut()
        assert type(await closed_by(notes, pair.server)) is RemoteProtocolError


# What isn't observed


async def test_nothing_changes_without_observers() -> None:
    """Connections and protocols are of their own classes while nobody observes or debugs."""
    async with connection_pair(client={"observer": [Observer()]}) as pair:
        assert type(pair.client) is ClientConnection
        assert type(pair.server) is ServerConnection
        assert type(pair.client.codec) is ClientProtocol
        assert type(pair.server.codec) is ServerProtocol


async def test_messages_cost_nothing_unheard() -> None:
    """An observer that isn't interested in messages leaves their path alone."""

    class Closed(Observer):
        def closed(self, connection: Any, error: Any, seconds: float) -> None:
            """Do nothing."""

    async with connection_pair(server={"observer": Closed()}) as pair:
        assert type(pair.server) is not ServerConnection
        assert type(pair.server).message_received is ServerConnection.message_received
        assert type(pair.server.codec) is ServerProtocol


async def test_own_classes_may_be_observed() -> None:
    """A program's own class stays what it is, with its name, methods and slots."""

    class Mine(ServerConnection):
        __slots__ = ("mark",)
        _tell = "mine"

        def closed(self, exc: Exception | None) -> None:
            """Note it."""
            self.mark = exc
            super().closed(exc)

    notes = Notes()
    async with connection_pair(server={"observer": notes, "create_connection": Mine}) as pair:
        assert isinstance(pair.server, Mine)
        assert (type(pair.server).__name__, pair.server._tell) == ("Mine", "mine")
        await pair.client.close()
        await pair.server.wait_closed()
        assert pair.server.mark is None
    assert notes.names[-1] == "closed"


async def test_observed_connections_leave_no_garbage() -> None:
    """An observed and logged connection is freed when it is over, without the garbage collector."""

    class Hearing(Observer):
        def message_received(self, connection: Any, kind: str, size: int, wire_size: int) -> None:
            """Do nothing."""

    logger = logging.getLogger("fullduplex.garbage")
    gc.collect()
    gc.disable()
    try:
        with mock.patch.object(logger, "isEnabledFor", return_value=True):
            async with connection_pair(observer=Hearing(), logger=logger) as pair:
                await pair.client.send("Hello")
                await pair.server.recv()
                await pair.client.close()
                await pair.server.wait_closed()
        gone = [weakref.ref(pair.client), weakref.ref(pair.server)]
        del pair
        await turns()
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()


# Logs


async def test_frames_are_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """With the level at DEBUG, every frame is a line that has the connection's id."""
    caplog.set_level(logging.DEBUG, "fullduplex.client")
    async with connection_pair(echo) as pair:
        await pair.client.send("Hello")
        await pair.client.recv()
        await pair.client.close()

    lines = [record.getMessage() for record in caplog.records if record.name == "fullduplex.client"]
    name = str(pair.client.id)
    assert {line.split(" ", 1)[0] for line in lines} == {name}
    assert lines[0] == f"{name} > GET / HTTP/1.1"
    assert f"{name} < HTTP/1.1 101 Switching Protocols" in lines
    assert lines[-4:] == [
        f"{name} > TEXT 'Hello' [5 bytes]",
        f"{name} < TEXT 'Hello' [5 bytes]",
        f"{name} > CLOSE 1000 '' [2 bytes]",
        f"{name} < CLOSE 1000 '' [2 bytes]",
    ]
    assert [record for record in caplog.records if record.name == "fullduplex.server"] == []


async def test_logger_may_be_another(caplog: pytest.LogCaptureFixture) -> None:
    """Frames go to the logger that was given, which the connection has as its own."""
    logger = logging.getLogger("elsewhere")
    caplog.set_level(logging.DEBUG, "elsewhere")
    async with connection_pair(server={"logger": logger}) as pair:
        pair.server.logger.info("hello")

    assert {record.name for record in caplog.records} == {"elsewhere"}
    record = caplog.records[-1]
    assert (record.getMessage(), record.websocket) == ("hello", pair.server)  # type: ignore[attr-defined]
    assert pair.server.id != pair.client.id


async def test_added_headers_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The request in the log is the one that goes out, with what observers added."""
    caplog.set_level(logging.DEBUG, "fullduplex.client")

    class Marking(Observer):
        def handshake_started(self, connection: Any, request: Any) -> None:
            """Add a header."""
            request.headers["X-Trace"] = "abc"

    async with connection_pair(client={"observer": Marking()}):
        assert any(line.endswith("> X-Trace: abc") for line in caplog.messages)


async def test_early_requests_are_observed() -> None:
    """Frames that come with the request are told of as all others."""
    notes = Notes()
    hello = b"\x81\x85\0\0\0\0Hello"
    close = b"\x88\x80\0\0\0\0"
    assert (await serving(notes, REQUEST + b"\r\n" + hello + close)).endswith(b"\x88\x00")

    assert notes.details("message_received") == [("text", 5, 5)]
    assert notes.names[-1] == "closed"
    assert notes.connections[0].state is State.CLOSED


# Faces


WHOLE_LIFE = ["handshake_started", "opened", "message_received", "message_sent", "closed"]


def converse(url: str) -> None:
    """Send a message with the blocking client, and wait for the answer."""
    with sync.connect(url, proxy=None) as connection:
        connection.send("Hello")
        assert connection.recv() == "Hello"


async def test_event_server_is_observed(caplog: pytest.LogCaptureFixture) -> None:
    """``WebSocketServer`` has both options; what its listeners raise goes to its logger."""
    notes = Notes()
    logger = logging.getLogger("elsewhere")
    async with WebSocketServer(host="localhost", port=0, observer=notes, logger=logger) as server:
        server.on("connection", lambda ws, request: ws.on("message", lambda data, _: ws.send(data)))
        server.on("connection", lambda ws, request: ws.on("message", lambda data, _: 1 / 0))
        await asyncio.to_thread(converse, f"ws://localhost:{server.address()[1]}/")
        server.close()
        await server.wait_closed()

    assert notes.names == WHOLE_LIFE
    assert [record.name for record in caplog.records] == ["elsewhere"]


async def test_handed_request_is_observed() -> None:
    """A request that somebody else has read starts a handshake as any other."""
    notes = Notes()
    server = WebSocketServer(noServer=True, observer=notes)
    await server.wait_listening()
    request = Request("/", Headers([line.split(": ", 1) for line in REQUEST.decode().split("\r\n")[1:-1]]))
    carrier = MemoryTransport(asyncio.Protocol(), asyncio.get_running_loop())
    carrier.peer = MemoryTransport(asyncio.Protocol(), asyncio.get_running_loop())
    carrier.peer.peer = carrier
    server.handleUpgrade(request, carrier)
    await turns()
    carrier.abort()
    await turns()

    assert notes.names == ["handshake_started", "opened", "closed"]


async def test_event_client_is_observed() -> None:
    """ws's client has the option."""
    notes = Notes()
    async with serve(echo, "localhost", 0) as server:
        ws = emitter.WebSocket(url_of(server), observer=notes)
        ws.on("open", lambda: ws.send("Hello"))
        ws.on("message", lambda data, is_binary: ws.close())
        await ws.wait_closed()

    assert sorted(notes.names) == sorted(WHOLE_LIFE)


async def test_browser_object_is_observed() -> None:
    """The browser's object has the option, and a failed one is told of as well."""
    notes, failed = Notes(), Notes()
    async with serve(echo, "localhost", 0) as server:
        ws = browser.WebSocket(url_of(server), observer=notes)
        ws.onopen = lambda event: ws.send("Hello")
        ws.onmessage = lambda event: ws.close()
        closed = asyncio.Event()
        ws.onclose = lambda event: closed.set()
        await closed.wait()
        server.close()
        await server.wait_closed()
        closed.clear()
        other = browser.WebSocket(ws.url, observer=failed)
        other.onclose = lambda event: closed.set()
        await closed.wait()

    assert sorted(notes.names) == sorted(WHOLE_LIFE)
    assert failed.names == ["handshake_started", "handshake_failed"]


async def test_blocking_client_is_observed() -> None:
    """The blocking client has the option; events come on the thread of its loop."""
    notes = Notes()

    def talk(url: str) -> None:
        logger = logging.getLogger("elsewhere")
        with sync.connect(url, proxy=None, observer=notes, logger=logger) as connection:
            connection.send("Hello")
            connection.recv()
            assert connection.logger.name == "elsewhere"

    async with serve(echo, "localhost", 0) as server:
        await asyncio.to_thread(talk, url_of(server))

    assert sorted(notes.names) == sorted(WHOLE_LIFE)


async def test_bridge_is_observed() -> None:
    """Under uvicorn, the option is one of the bridge's."""
    notes = Notes()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        await send({"type": "websocket.send", "text": message["text"]})

    async with running(app, ws=UvicornProtocol.with_options(observer=notes), lifespan="off") as server:
        await asyncio.to_thread(converse, url_of(server))

    assert notes.names == WHOLE_LIFE


async def test_redirects_are_attempts() -> None:
    """Each attempt of a client is told of by itself, also where a redirect leads on."""
    notes = Notes()

    async def redirect(connection: Any, request: Any) -> Any:
        if request.path == "/old":
            response = connection.respond(302, "")
            response.headers["Location"] = "/new"
            return response
        return None

    async with serve(echo, "localhost", 0, process_request=redirect) as server:
        async with connect(url_of(server, "/old"), observer=notes, proxy=None):
            pass
        ws = emitter.WebSocket(url_of(server, "/old"), observer=notes, followRedirects=True)
        ws.on("open", ws.close)
        await ws.wait_closed()

    expected = ["handshake_started", "handshake_failed", "handshake_started", "opened", "closed"]
    assert notes.names == expected * 2
