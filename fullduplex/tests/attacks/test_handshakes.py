"""Opening handshakes that mean harm, over real sockets: each is refused, and the next client served."""

from __future__ import annotations

import pytest

from ..protocol.wire import REQUEST_HEADERS, TEXT, frame, head, replaced, upgrade_request
from .targets import Target, attacker, under_attack

GOOD = upgrade_request()
GET = "GET / HTTP/1.1"
SITE = "https://site.example"


def changed(name: str, *values: str) -> bytes:
    """Return a request with the lines of one header replaced."""
    return head(GET, replaced(REQUEST_HEADERS, name, *values))


def more(*headers: tuple[str, str], body: bytes = b"") -> bytes:
    """Return a request with more headers, and what follows it."""
    return upgrade_request(*headers) + body


# Each row: what is sent, and the status of the only answer.

HEADS = {
    "too many headers before Upgrade": (head(GET, [("X", "y")] * 129 + list(REQUEST_HEADERS)), 431),
    "too many headers behind Upgrade": (more(*[("X", "y")] * 130), 431),
    "subprotocols that make slow parsers slow": (
        more(("Sec-WebSocket-Protocol", "a" + " " * 8000 + "b")),
        400,
    ),
    "subprotocols of commas": (more(("Sec-WebSocket-Protocol", "," * 8000)), 400),
    "header without end": (b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000, 431),
    "first line without end": (b"GET /" + b"y" * 1_000_000, 414),
    "head without end": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000, 431),
    "space before colon": (GOOD.replace(b"Host: ", b"Host : "), 400),
    "no colon": (GOOD.replace(b"Upgrade: ", b"Upgrade "), 400),
    "no name": (GOOD.replace(b"Upgrade: ", b": "), 400),
    "folded line": (GOOD.replace(b"Upgrade: ", b"X: y\r\n z\r\nUpgrade: "), 400),
    "NUL": (GOOD.replace(b"websocket", b"web\0socket"), 400),
    "bare CR": (GOOD.replace(b"websocket", b"websocket\rX: y"), 400),
    "bare LF": (GOOD.replace(b"websocket\r\n", b"websocket\n"), 400),
    "CR in the target": (GOOD.replace(b"/chat", b"/chat\rX: y"), 400),
    "no Host": (changed("Host"), 400),
    "two Hosts": (changed("Host", "a", "b"), 400),
    "Host of two": (changed("Host", "a, b"), 400),
    "Host with a path": (changed("Host", "a/b"), 400),
    "Host with a user": (changed("Host", "user@a"), 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\n", 400),
    "frames": (frame(TEXT, b"Hello\n", key=bytes(4)), 400),
}

UPGRADES = {
    "version 8 without Upgrade": (
        head(GET, [("Host", "a"), ("Sec-WebSocket-Version", "8"), REQUEST_HEADERS[3]]),
        426,
    ),
    "version 0 of Hixie": (
        head(
            GET,
            [*replaced(REQUEST_HEADERS, "Sec-WebSocket-Version"), ("Sec-WebSocket-Key1", "4 @1  46546xW")],
        ),
        400,
    ),
    **{
        f"version {version}": (changed("Sec-WebSocket-Version", version), 426)
        for version in ("0", "7", "8", "1337", "13, 8", "013")
    },
    "two versions": (changed("Sec-WebSocket-Version", "13", "13"), 400),
    "no Upgrade": (changed("Upgrade"), 426),
    "another Upgrade": (changed("Upgrade", "h2c"), 426),
    "no Connection": (changed("Connection"), 426),
    "Connection without Upgrade": (changed("Connection", "keep-alive"), 426),
    "no key": (changed("Sec-WebSocket-Key"), 400),
    "two keys": (changed("Sec-WebSocket-Key", "A" * 22 + "==", "B" * 21 + "A=="), 400),
    "a short key": (changed("Sec-WebSocket-Key", "AAAA"), 400),
    "a key that isn't base64": (changed("Sec-WebSocket-Key", "!" * 22 + "=="), 400),
    "POST": (upgrade_request(line="POST / HTTP/1.1"), 405),
    "HEAD": (upgrade_request(line="HEAD / HTTP/1.1"), 405),
    "CONNECT": (upgrade_request(line="CONNECT a:80 HTTP/1.1"), 400),
    "HTTP/1.0": (upgrade_request(line="GET / HTTP/1.0"), 400),
    "HTTP/2.0": (upgrade_request(line="GET / HTTP/2.0"), 505),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "target without a slash": (upgrade_request(line="GET chat HTTP/1.1"), 400),
    "target with a space": (upgrade_request(line="GET /a b HTTP/1.1"), 400),
    "target of bytes": (GOOD.replace(b"/chat", b"/\xff\xfe"), 400),
    "malformed extensions": (changed("Sec-WebSocket-Extensions", 'permessage-deflate; a="'), 400),
}

SMUGGLED = upgrade_request(("X", "smuggled"), line="GET /smuggled HTTP/1.1")
BODIES = {
    "a body": (more(("Content-Length", str(len(SMUGGLED))), body=SMUGGLED), 400),
    "chunks": (more(("Transfer-Encoding", "chunked"), body=b"0\r\n\r\n" + SMUGGLED), 400),
    "chunks and a length": (
        more(("Transfer-Encoding", "chunked"), ("Content-Length", "5"), body=b"0\r\n\r\n" + SMUGGLED),
        400,
    ),
    "lengths that differ": (more(("Content-Length", "0"), ("Content-Length", "5"), body=SMUGGLED), 400),
    "a negative length": (more(("Content-Length", "-1"), body=SMUGGLED), 400),
    "an unknown coding": (more(("Transfer-Encoding", "x, identity"), body=SMUGGLED), 400),
    "a failed upgrade taken for a tunnel": (changed("Sec-WebSocket-Version", "1337") + SMUGGLED, 426),
    "a refused method taken for a tunnel": (upgrade_request(line="POST / HTTP/1.1") + SMUGGLED, 405),
}

ORIGINS = {
    str(values): (head(GET, [*REQUEST_HEADERS, *(("Origin", value) for value in values)]), 403)
    for values in (
        [],
        [""],
        ["null"],
        ["https://evil.example"],
        ["http://site.example"],
        ["https://site.example:8443"],
        ["https://site.example.evil.example"],
        ["https://evil.example/https://site.example"],
        ["https://evilsite.example"],
        ["https://sitexexample"],
        ["https://SITE.example"],
        [f"{SITE}, https://evil.example"],
        [SITE, SITE],
        [SITE, "https://evil.example"],
    )
}


async def refusal(target: Target, data: bytes) -> int:
    """Return the status by which some bytes are refused: by one answer, and then the end."""
    async with attacker(target) as enemy:
        await enemy.send(data)
        said = await enemy.hear_all()
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in said
    assert b"Sec-WebSocket-Accept" not in said
    assert b"smuggled" not in said
    return int(said[9:12])


@pytest.mark.parametrize("table", [HEADS, UPGRADES, BODIES], ids=["heads", "upgrades", "bodies"])
async def test_bad_handshakes_are_refused(table: dict[str, tuple[bytes, int]], face: str) -> None:
    """Each is answered once, by its status, and the connection ended; no program hears of it."""
    async with under_attack(face) as target:
        for name, (data, status) in table.items():
            assert (name, await refusal(target, data)) == (name, status)
            assert await target.answers()
        assert set(target.received) == {"still there?"}


async def test_foreign_origins_are_refused(face: str) -> None:
    """With a list of origins, only a whole value of it is let in (10.2)."""
    async with under_attack(face, origins=[SITE], headers=(("Origin", SITE),)) as target:
        for name, (data, status) in ORIGINS.items():
            assert (name, await refusal(target, data)) == (name, status)


async def test_foreign_cookies_are_refused(face: str) -> None:
    """Without a list of origins, a page of another site can't use its visitor's cookies (10.2).

    Nor the credentials that the visitor's browser has for us.
    """
    async with under_attack(face) as target:
        for origin in ("https://evil.example", "null", "http://server.example.com.evil.example"):
            for credentials in (("Cookie", "session=1"), ("Authorization", "Basic YW5uOmxlZQ==")):
                assert await refusal(target, more(("Origin", origin), credentials)) == 403


@pytest.mark.parametrize(
    "headers",
    [
        [("X", "\xe9")],
        [("Cookie", "a=b; X-Injected: 1")],
        [("Sec-WebSocket-Protocol", "chat%0d%0aX-Injected")],
        [("User-Agent", "%0d%0aX-Injected:%201")],
    ],
)
async def test_request_injects_no_header(headers: list[tuple[str, str]], face: str) -> None:
    """Nothing of a request that is accepted comes back in the response's head."""
    async with under_attack(face) as target, attacker(target) as enemy:
        await enemy.send(upgrade_request(*headers, line="GET /%0d%0aX-Injected:%201?%0d%0aX: HTTP/1.1"))
        response = await enemy.hear(b"\r\n\r\n")

        assert response.startswith(b"HTTP/1.1 101 ")
        assert b"Injected" not in response
        assert b"%0d" not in response


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate; server_max_window_bits=99",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=015",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=0",
        "permessage-deflate; client_max_window_bits=-9",
        'permessage-deflate; client_max_window_bits="9 "',
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; unknown",
        "permessage-bzip2",
        "x-webkit-deflate-frame",
        ", ".join(["permessage-deflate; unknown"] * 250),
    ],
)
async def test_bad_offers_are_declined(offer: str, face: str) -> None:
    """An offer that nobody could keep to is declined or refused, and isn't a failure of the server."""
    async with under_attack(face, compression="deflate") as target, attacker(target) as enemy:
        response = await enemy.open(("Sec-WebSocket-Extensions", offer))

        assert response[9:12] in (b"101", b"400")
        assert b"Sec-WebSocket-Extensions" not in response


async def test_good_offer_is_found(face: str) -> None:
    """Behind bad offers a good one is accepted (RFC 7692 5.1)."""
    async with under_attack(face, compression="deflate") as target, attacker(target) as enemy:
        response = await enemy.open(
            ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=99"),
            ("Sec-WebSocket-Extensions", "x-unknown, permessage-deflate"),
        )

        assert b"\r\nSec-WebSocket-Extensions: permessage-deflate" in response


@pytest.mark.parametrize("length", [0, 1, 20, len(GOOD) // 2, len(GOOD) - 1])
async def test_handshakes_may_break_off(length: int, face: str) -> None:
    """A client that goes in the middle of its request, with or without a word, leaves nothing."""
    async with under_attack(face) as target:
        async with attacker(target) as enemy:
            await enemy.send(GOOD[:length])
        async with attacker(target) as enemy:
            await enemy.send(GOOD[:length])
            enemy.reset()
