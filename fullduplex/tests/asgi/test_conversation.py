"""What an ASGI program may say, what it hears, and what becomes of its mistakes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest

from fullduplex.aio.client import connect
from fullduplex.asgi.conversation import ClientDisconnected
from fullduplex.exceptions import ConnectionClosed, InvalidStatus
from fullduplex.protocol.http11 import Response

from ..aio.ends import REQUEST, plain_client, url_of
from .programs import Program, Running, Saying, real, running, virtual

pytestmark = virtual


async def refusal(server: Running, **options: Any) -> Response:
    """Connect, and return the response that refuses."""
    with pytest.raises(InvalidStatus) as caught:
        await connect(url_of(server), **options)
    return caught.value.response


async def closed_with(server: Running) -> tuple[int | None, str | None]:
    """Connect, and return with what the server closes."""
    async with connect(url_of(server)) as connection:
        await connection.wait_closed()
        return connection.close_code, connection.close_reason


async def test_messages_go_both_ways(http: str) -> None:
    """Text and binary, empty and large, arrive as what they are."""
    program = Program()
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        for message in ("", b"", "发送数据", bytes(range(256)) * 4000):
            await connection.send(message)
            assert await connection.recv() == message

    assert program.received[0] == {"type": "websocket.connect"}
    assert program.received[1:5] == [
        {"type": "websocket.receive", "text": ""},
        {"type": "websocket.receive", "bytes": b""},
        {"type": "websocket.receive", "text": "发送数据"},
        {"type": "websocket.receive", "bytes": bytes(range(256)) * 4000},
    ]


async def test_binary_goes_first(http: str) -> None:
    """Of a message with both, ``bytes`` is sent; None stands for neither."""
    program = Saying(
        {"type": "websocket.send", "bytes": b"1", "text": "2"},
        {"type": "websocket.send", "bytes": None, "text": "3"},
        accepts=True,
    )
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        assert [await connection.recv(), await connection.recv()] == [b"1", "3"]


async def test_accepting_adds_headers(http: str) -> None:
    """The program's headers, and the subprotocol that it chose, are in the response."""
    program = Saying(
        {
            "type": "websocket.accept",
            "subprotocol": "two",
            "headers": [(b"x-one", b"1"), (b"x-one", b"caf\xe9")],
        }
    )
    async with (
        running(program, http=http) as server,
        connect(url_of(server), subprotocols=["one", "two"]) as connection,
    ):
        assert program.scopes[0]["subprotocols"] == ["one", "two"]
        assert connection.subprotocol == program.connection.subprotocol == "two"
        assert connection.response is not None
        assert connection.response.headers.get_all("X-One") == ["1", "café"]


@pytest.mark.parametrize(
    "wrong, why",
    [
        ({"subprotocol": "three"}, "doesn't offer the subprotocol 'three'"),
        (
            {"headers": [(b"sec-websocket-protocol", b"one")]},
            "can't have the header 'sec-websocket-protocol'",
        ),
        ({"headers": [(b"Upgrade", b"h2c")]}, "can't have the header 'Upgrade'"),
        ({"headers": [(b"x", b"y\r\nset-cookie: a=b")]}, "invalid value of header x"),
        ({"headers": [(b"x y", b"")]}, "invalid header name"),
    ],
)
async def test_wrong_accepting_raises(wrong: dict[str, Any], why: str, http: str) -> None:
    """What would break the handshake raises, and the program may accept better afterwards."""
    program = Saying({"type": "websocket.accept", **wrong}, {"type": "websocket.accept"})
    async with (
        running(program, http=http) as server,
        connect(url_of(server), subprotocols=["one"]) as connection,
    ):
        assert connection.subprotocol is None
        assert connection.response is not None
        assert not {"x", "set-cookie"} & {name.lower() for name in connection.response.headers}

    assert why in str(program.raised[0])
    assert len(program.raised) == 1


async def test_closing_first_refuses(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A close before accepting is status 403, and the program hears of a disconnect without a code."""
    caplog.set_level(logging.INFO, "uvicorn.error")
    program = Saying({"type": "websocket.close", "code": 4001, "reason": "no"})
    async with running(program, http=http) as server:
        response = await refusal(server)

    assert (response.status_code, response.body) == (403, b"Forbidden")
    assert program.received[1:] == [{"type": "websocket.disconnect", "code": 1006}]
    assert any(message.endswith('- "WebSocket /" 403') for message in caplog.messages)


async def test_refusing_waits_for_nobody(http: str) -> None:
    """A program that refused hears of the end at once, whether the client goes or not."""
    program = Saying({"type": "websocket.close"})
    loop = asyncio.get_running_loop()
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST + b"\r\n")
        assert (await reader.readuntil(b"Forbidden")).startswith(b"HTTP/1.1 403 ")
        begun = loop.time()
        await program.told()

        assert loop.time() - begun < 1


DENIAL = {
    "type": "websocket.http.response.start",
    "status": 401,
    "headers": [
        (b"content-type", b"text/x-reason"),
        (b"www-authenticate", b"Basic"),
        (b"content-length", b"99"),
        (b"transfer-encoding", b"gzip"),
    ],
}


def body_of(*parts: bytes, is_whole: bool = True) -> list[dict[str, Any]]:
    """Return the messages that send these parts of a body, the last of them as such if it is whole."""
    bodies: list[dict[str, Any]] = [
        {"type": "websocket.http.response.body", "body": part, "more_body": True} for part in parts
    ]
    bodies[-1]["more_body"] = not is_whole
    return bodies


@pytest.mark.parametrize(
    "parts, framing",
    [
        ([b"sign in first"], ("Content-Length", "13")),
        ([b"sign ", b"in first"], ("Transfer-Encoding", "chunked")),
        ([b"", b"sign ", b"", b"in first", b""], ("Transfer-Encoding", "chunked")),
    ],
)
async def test_denial_is_sent(parts: list[bytes], framing: tuple[str, str], http: str) -> None:
    """A response of the program's refuses, however many parts its body comes in."""
    program = Saying(DENIAL, *body_of(*parts))
    async with running(program, http=http) as server:
        response = await refusal(server)

    assert (response.status_code, response.body) == (401, b"sign in first")
    assert response.headers["Content-Type"] == "text/x-reason"
    assert response.headers["WWW-Authenticate"] == "Basic"
    assert response.headers["Server"] == "uvicorn"
    assert response.headers.get_all("Connection") == ["close"]
    framed = [(name, response.headers.get(name)) for name in ("Content-Length", "Transfer-Encoding")]
    assert [pair for pair in framed if pair[1] is not None] == [framing]
    assert program.raised == []
    assert program.received[1:] == [{"type": "websocket.disconnect", "code": 1006}]


class Denying(Program):
    """Refuses with as many parts of 64 KiB as ``most`` says, and counts those that were sent."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.sent = 0
        self.raised: list[OSError] = []

    async def serve(self, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await receive()
        await send(DENIAL)
        try:
            for number in range(self.most):
                await send(body_of(bytes([number % 256]) * 65_536, is_whole=False)[0])
                self.sent += 1
            await send(body_of(b"")[0])
        except OSError as error:
            self.raised.append(error)
        await receive()


@real
async def test_denial_is_streamed(http: str) -> None:
    """A body in parts goes out part by part, waits for a slow client, and arrives whole."""
    program = Denying(200)
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST + b"\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        for _ in range(1000):
            await asyncio.sleep(0)
        assert program.sent < 150
        parts = []
        while (size := int(await reader.readuntil(b"\r\n"), 16)) > 0:
            parts.append((await reader.readexactly(size + 2))[:-2])

        assert await reader.read() == b"\r\n"
    assert head.startswith(b"HTTP/1.1 401 ")
    assert parts == [bytes([number]) * 65_536 for number in range(200)]
    assert await program.told() == {"type": "websocket.disconnect", "code": 1006}


@real
async def test_denial_ends_with_client(http: str) -> None:
    """When the client goes in the midst of a response, sending raises, and the program is told."""
    program = Denying(100_000)
    async with running(program, http=http) as server:
        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST + b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        assert await program.told() == {"type": "websocket.disconnect", "code": 1006}

    assert [type(error) for error in program.raised] == [ClientDisconnected]


@real
async def test_denial_ends_with_server(http: str) -> None:
    """A shutdown doesn't wait for a client that doesn't take its response."""
    program = Denying(100_000)
    async with contextlib.AsyncExitStack() as stack, running(program, http=http) as server:
        reader, writer = await stack.enter_async_context(plain_client(server))
        writer.write(REQUEST + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")

    assert len(program.raised) == 1
    assert await program.told() == {"type": "websocket.disconnect", "code": 1006}


async def test_denial_may_wait(http: str) -> None:
    """A program that waits for a message in the midst of its response is woken when the client goes."""
    program = Saying(DENIAL, *body_of(b"half", is_whole=False))
    async with running(program, http=http) as server:
        async with plain_client(server) as (reader, writer):
            writer.write(REQUEST + b"\r\n")
            assert (await reader.readuntil(b"half")).endswith(b"\r\n4\r\nhalf")
            assert len(program.received) == 1
        assert await program.told() == {"type": "websocket.disconnect", "code": 1006}


async def test_bodiless_denial_has_no_length(http: str) -> None:
    """A response with a status that forbids a body is sent without one."""
    program = Saying(
        {"type": "websocket.http.response.start", "status": 204},
        *body_of(b"nothing", b"at all"),
    )
    async with running(program, http=http) as server, plain_client(server) as (reader, writer):
        writer.write(REQUEST + b"\r\n")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 204 No Content")
    assert b"content-length" not in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert body == b""


@pytest.mark.parametrize("status", [101, 199, 600])
async def test_denial_has_final_status(status: int, http: str) -> None:
    """A status that doesn't end the handshake raises; the program may accept instead."""
    program = Saying(
        {"type": "websocket.http.response.start", "status": status},
        {"type": "websocket.http.response.start", "status": 403, "headers": [(b"bad\n", b"")]},
        {"type": "websocket.accept"},
    )
    async with running(program, http=http) as server, connect(url_of(server)):
        pass

    assert [str(error) for error in program.raised] == [
        f"Invalid HTTP status code '{status}' in response.",
        "invalid header name: 'bad\\n'",
    ]


async def test_unfinished_denial_is_error(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that returns after the head of its response is answered for with 500."""

    async def halfway(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 403})

    async with running(halfway, http=http, lifespan="off") as server:
        response = await refusal(server)

    assert (response.status_code, response.body) == (500, b"Internal Server Error")
    assert "ASGI callable returned without completing handshake." in caplog.messages


@pytest.mark.parametrize("raises", [False, True])
async def test_half_denial_is_cut(raises: bool, http: str, caplog: pytest.LogCaptureFixture) -> None:
    """What a program sent of its response, when it returns or raises, doesn't pass for whole."""

    async def halfway(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 403})
        await send(body_of(b"half", is_whole=False)[0])
        await asyncio.sleep(1)
        if raises:
            raise ValueError("oops")

    async with (
        running(halfway, http=http, lifespan="off") as server,
        plain_client(server) as (reader, writer),
    ):
        writer.write(REQUEST + b"\r\n")
        assert (await reader.readuntil(b"half\r\n")).startswith(b"HTTP/1.1 403 ")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""

    said = "Exception in ASGI application\n" if raises else "returned without completing handshake."
    assert said in caplog.text


@pytest.mark.parametrize("error", [ValueError, SystemExit])
async def test_error_before_answer(
    error: type[BaseException], http: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A program that raises before it has answered is answered for with 500, and the error logged."""

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        raise error("oops")

    async with running(fail, http=http, lifespan="off") as server:
        response = await refusal(server)

    assert (response.status_code, response.body) == (500, b"Internal Server Error")
    assert f"{error.__name__}: oops" in caplog.text
    assert "Exception in ASGI application\n" in caplog.messages


async def test_error_after_accepting(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that raises later has its connection closed with 1011, and the error logged."""

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("oops")

    async with running(fail, http=http, lifespan="off") as server:
        assert await closed_with(server) == (1011, "")

    assert "ValueError: oops" in caplog.text


async def test_returning_before_answer(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that returns without an answer is answered for with 500."""

    async def leave(scope: Any, receive: Any, send: Any) -> None:
        pass

    async with running(leave, http=http, lifespan="off") as server:
        assert (await refusal(server)).status_code == 500

    assert "ASGI callable returned without completing handshake." in caplog.messages


async def test_leaving_excuses_program(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that returns without an answer, as the client has left, has made no mistake."""

    class Polite(Program):
        async def serve(self, receive: Any, send: Any) -> None:
            await receive()
            await receive()

    program = Polite()
    async with running(program, http=http) as server:
        async with plain_client(server) as (_, writer):
            writer.write(REQUEST + b"\r\n")
            await asyncio.sleep(1)
        assert await program.told() == {"type": "websocket.disconnect", "code": 1006}

    assert "ASGI callable returned without completing handshake." not in caplog.messages


async def test_nothing_follows_returning(http: str) -> None:
    """What a program has left running can send nothing after it has returned."""
    sends: list[Any] = []

    async def leave(scope: Any, receive: Any, send: Any) -> None:
        sends.append(send)
        await send({"type": "websocket.accept"})

    async with running(leave, http=http, lifespan="off") as server:
        assert await closed_with(server) == (1000, "")
        with pytest.raises(RuntimeError, match=r"^Unexpected ASGI message 'websocket\.send'"):
            await sends[0]({"type": "websocket.send", "text": "?"})


async def test_returning_closes(http: str, caplog: pytest.LogCaptureFixture) -> None:
    """A program that returns has its connection closed with 1000; what it returns is told to be wrong."""

    async def leave(scope: Any, receive: Any, send: Any) -> Any:
        await send({"type": "websocket.accept"})
        return 123

    async with running(leave, http=http, lifespan="off") as server:
        assert await closed_with(server) == (1000, "")

    assert "ASGI callable should return None, but returned 123." in caplog.messages


async def test_client_closes(http: str) -> None:
    """The client's code and reason are told, after the messages before them, and again when asked again."""
    again: list[Any] = []

    class Asking(Saying):
        async def serve(self, receive: Any, send: Any) -> None:
            await super().serve(receive, send)
            again.extend([await receive(), await receive()])

    program = Asking(accepts=True)
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        await connection.send("last words")
        await connection.close(1001, "再见")
        told = await program.told()

    assert program.received[1] == {"type": "websocket.receive", "text": "last words"}
    assert told == {"type": "websocket.disconnect", "code": 1001, "reason": "再见"}
    assert again == [told, told]


async def test_client_closes_without_code(http: str) -> None:
    """A Close frame without a code is 1005."""
    program = Program()
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        await connection.close(1005)
        assert await program.told() == {"type": "websocket.disconnect", "code": 1005, "reason": ""}


async def test_client_is_lost(http: str) -> None:
    """A connection that ends without a Close frame is 1006, and without a reason."""
    program = Program()
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        connection.abort()
        assert await program.told() == {"type": "websocket.disconnect", "code": 1006}


async def test_program_closes(http: str) -> None:
    """The program's code and reason reach the client, and come back to it at the end."""
    program = Saying({"type": "websocket.close", "code": 4321, "reason": "enough"}, accepts=True)
    async with running(program, http=http) as server:
        assert await closed_with(server) == (4321, "enough")
        told = await program.told()

    assert told == {"type": "websocket.disconnect", "code": 4321, "reason": "enough"}


async def test_closing_has_defaults(http: str) -> None:
    """Without a code it is 1000, and a reason of None is none."""
    program = Saying({"type": "websocket.close", "reason": None}, accepts=True)
    async with running(program, http=http) as server:
        assert await closed_with(server) == (1000, "")


async def test_wrong_code_raises(http: str) -> None:
    """A code that may not be sent raises, and the program may close better afterwards."""
    program = Saying(
        {"type": "websocket.close", "code": 1006}, {"type": "websocket.close", "code": 3000}, accepts=True
    )
    async with running(program, http=http) as server:
        assert await closed_with(server) == (3000, "")

    assert len(program.raised) == 1
    assert "1006" in str(program.raised[0])


@pytest.mark.parametrize("kind", ["websocket.send", "websocket.close"])
async def test_nothing_follows_closing(kind: str, http: str) -> None:
    """After its own close, or a whole response, whatever a program says raises."""
    for accepts in (True, False):
        program = Saying({"type": "websocket.close"}, {"type": kind, "text": "?"}, accepts=accepts)
        async with running(program, http=http) as server:
            with contextlib.suppress(InvalidStatus):
                assert await closed_with(server) == (1000, "")

        assert [str(error) for error in program.raised] == [
            f"Unexpected ASGI message '{kind}', after sending 'websocket.close' or a whole response."
        ]


@pytest.mark.parametrize(
    "before, kind, expected",
    [
        ([], "websocket.send", "'websocket.accept' or 'websocket.close' or 'websocket.http.response.start'"),
        (
            [],
            "http.response.start",
            "'websocket.accept' or 'websocket.close' or 'websocket.http.response.start'",
        ),
        (["websocket.accept"], "websocket.accept", "'websocket.send' or 'websocket.close'"),
        (["websocket.http.response.start"], "websocket.accept", "'websocket.http.response.body'"),
    ],
)
async def test_wrong_messages_raise(before: list[str], kind: str, expected: str, http: str) -> None:
    """A message that may not be sent now raises, and says which may."""
    program = Saying(
        *({"type": one, "status": 403} for one in before),
        {"type": kind},
        {
            "type": "websocket.http.response.body"
            if before[:1] == ["websocket.http.response.start"]
            else "websocket.close"
        },
    )
    async with running(program, http=http) as server:
        with contextlib.suppress(InvalidStatus, ConnectionClosed):
            async with connect(url_of(server)) as connection:
                await connection.recv()

    assert [str(error) for error in program.raised] == [
        f"Expected ASGI message {expected}, but got '{kind}'."
    ]
    assert isinstance(program.raised[0], RuntimeError)


async def test_empty_send_raises(http: str) -> None:
    """A message to send has ``bytes`` or ``text``."""
    program = Saying({"type": "websocket.send"}, accepts=True)
    async with running(program, http=http) as server, connect(url_of(server)):
        pass

    assert "neither 'bytes' nor 'text'" in str(program.raised[0])


@pytest.mark.parametrize("is_clean", [True, False])
async def test_sending_to_nobody(is_clean: bool, http: str, caplog: pytest.LogCaptureFixture) -> None:
    """When the client is gone, sending and closing raise an ``OSError``, which may come back."""
    raised: list[Exception] = []

    class Late(Program):
        async def serve(self, receive: Any, send: Any) -> None:
            await super().serve(receive, send)
            for kind in ("websocket.send", "websocket.close"):
                try:
                    await send({"type": kind, "text": "?"})
                except OSError as error:
                    raised.append(error)
            await send({"type": "websocket.send", "text": "?"})

    program = Late()
    async with running(program, http=http) as server, connect(url_of(server)) as connection:
        if is_clean:
            await connection.close()
        else:
            connection.abort()
        await program.told()

    assert [type(error) for error in raised] == [ClientDisconnected, ClientDisconnected]
    assert "Exception in ASGI application" not in caplog.text


async def test_waiting_sender_is_told(http: str) -> None:
    """A program that waits in sending, as the client reads nothing, is told when it goes."""
    raised: list[Exception] = []
    begun = asyncio.Event()

    async def pour(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            while True:
                begun.set()
                await send({"type": "websocket.send", "bytes": bytes(1_000_000)})
        except OSError as error:
            raised.append(error)

    async with running(pour, http=http, lifespan="off") as server, plain_client(server) as (_, writer):
        writer.write(REQUEST + b"\r\n")
        await begun.wait()
        await asyncio.sleep(1)
        assert raised == []
        writer.transport.abort()
        await asyncio.sleep(1)

        assert [type(error) for error in raised] == [ClientDisconnected]
