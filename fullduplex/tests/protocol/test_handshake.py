"""What both sides of the opening handshake share."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.exceptions import InvalidHeader, InvalidHeaderFormat, InvalidHeaderValue, InvalidUpgrade
from fullduplex.protocol.handshake import (
    accept_key,
    asks_for_websocket,
    check_upgrade,
    is_host,
    is_key,
    list_values,
    make_key,
    only_value,
)
from fullduplex.protocol.headers import Headers

from .wire import HANDSHAKE_ACCEPT, HANDSHAKE_KEY


def test_accept_is_the_rfcs() -> None:
    """The key of the RFC's example is answered with its accept (1.3)."""
    assert accept_key(HANDSHAKE_KEY) == HANDSHAKE_ACCEPT


def test_keys_are_fresh() -> None:
    """Each key is the base64 form of 16 bytes, and another one (4.1)."""
    keys = [make_key() for _ in range(1000)]

    assert len(set(keys)) == 1000
    assert all(is_key(key) for key in keys)
    assert len({base64.b64decode(key)[0] for key in keys}) > 200


@given(key=st.binary(max_size=24))
def test_only_16_bytes_are_a_key(key: bytes) -> None:
    """A key is 16 bytes in base64, no more and no fewer (4.2.1)."""
    assert is_key(base64.b64encode(key).decode()) is (len(key) == 16)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        " dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "dGhl_HNhbXBsZSBub25jZQ==",
        "dGhl-HNhbXBsZSBub25jZQ==",
        "dGhl\nHNhbXBsZSBub25jZQ==",
        "é" * 24,
        "=" * 24,
        "!" * 24,
        "A" * 24,
        "A" * 23 + "=",
    ],
)
def test_malformed_key_is_none(key: str) -> None:
    """Neither base64 of another length nor anything else is a key (4.2.1)."""
    assert is_key(key) is False


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "EXAMPLE.com:8080",
        "example.com:",
        "a_b-c~d.example",
        "%E4%BE%8B.example",
        "localhost:1",
        "127.0.0.1:65535",
        "[::1]",
        "[2001:db8::1]:443",
        "[::ffff:1.2.3.4]",
    ],
)
def test_hosts_are_hosts(host: str) -> None:
    """A host is a name or an address, with a port or without (RFC 9110 7.2)."""
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":80",
        "a b",
        "a, b",
        "a/b",
        "a?b",
        "a#b",
        "user@a",
        "http://a",
        "a:b",
        "a:-1",
        "a:٣",
        "a:123456",
        "a:80:80",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[::1]x",
        "[a.b]",
        "a\tb",
        "exämple",
        "<script>",
        'a"b',
        "a\\b",
    ],
)
def test_other_things_are_no_hosts(host: str) -> None:
    """What isn't a host is told apart (RFC 9112 3.2)."""
    assert not is_host(host)


def test_heap_of_host_is_no_host() -> None:
    """Repetition doesn't make the test slow."""
    for heap in ("a" * 1_000_000 + " ", "[" + ":" * 1_000_000, "%" * 1_000_000 + "\0"):
        assert not is_host(heap)


def test_only_value_is_one() -> None:
    """A header that must be there once is neither absent nor repeated."""
    assert only_value(Headers({"HOST": "a"}), "Host") == "a"
    with pytest.raises(InvalidHeader, match="missing Host header"):
        only_value(Headers(), "Host")
    with pytest.raises(InvalidHeaderValue, match="more than one"):
        only_value(Headers([("Host", "a"), ("Host", "a")]), "Host")


def test_list_spans_lines() -> None:
    """A list header may have several lines (RFC 9110 5.3)."""
    headers = Headers([("Connection", "keep-alive"), ("Other", "x"), ("connection", "a, Upgrade")])

    assert list_values(headers, "Connection") == ["keep-alive", "a", "Upgrade"]
    assert list_values(headers, "Upgrade") == []
    with pytest.raises(InvalidHeaderFormat):
        list_values(Headers({"Connection": ""}), "Connection")


@pytest.mark.parametrize(
    "upgrade, asks",
    [
        (["websocket"], True),
        (["WebSocket"], True),
        (["h2c", "websocket, x"], True),
        (["h2c"], False),
        ([], False),
    ],
)
def test_any_mention_asks(upgrade: list[str], asks: bool) -> None:
    """Whoever names WebSocket in Upgrade asks for it, well or badly."""
    assert asks_for_websocket(Headers([("Upgrade", value) for value in upgrade])) is asks


@pytest.mark.parametrize(
    "connection",
    [["Upgrade"], ["upgrade"], ["UPGRADE"], ["keep-alive, Upgrade"], ["Upgrade,close"], ["close", "Upgrade"]],
)
@pytest.mark.parametrize("upgrade", [["websocket"], ["WebSocket"], [",websocket,"]])
def test_upgrade_is_accepted(connection: list[str], upgrade: list[str]) -> None:
    """Connection names Upgrade among others, and Upgrade is websocket, in any case (4.1, 4.2.1)."""
    check_upgrade(
        Headers(
            [*(("Connection", value) for value in connection), *(("Upgrade", value) for value in upgrade)]
        )
    )


@pytest.mark.parametrize(
    "connection, upgrade, name",
    [
        ([], ["websocket"], "Connection"),
        (["keep-alive"], ["websocket"], "Connection"),
        (["Upgraded"], ["websocket"], "Connection"),
        (["Upgrade"], [], "Upgrade"),
        (["Upgrade"], ["h2c"], "Upgrade"),
        (["Upgrade"], ["websockets"], "Upgrade"),
        (["Upgrade"], ["websocket, h2c"], "Upgrade"),
        (["Upgrade"], ["websocket", "websocket"], "Upgrade"),
    ],
)
def test_upgrade_is_refused(connection: list[str], upgrade: list[str], name: str) -> None:
    """Anything else doesn't switch to WebSocket, and the header that is wrong is named."""
    with pytest.raises(InvalidUpgrade) as caught:
        check_upgrade(
            Headers(
                [*(("Connection", value) for value in connection), *(("Upgrade", value) for value in upgrade)]
            )
        )
    assert caught.value.name == name
    assert caught.value.value == (", ".join({"Connection": connection, "Upgrade": upgrade}[name]) or None)


def test_upgrade_among_others() -> None:
    """A request may offer other protocols besides, if it is told so; never none (RFC 9110 7.8)."""
    headers = Headers({"Connection": "Upgrade", "Upgrade": "h2c, WebSocket"})
    check_upgrade(headers, among_others=True)
    with pytest.raises(InvalidUpgrade, match="h2c, WebSocket"):
        check_upgrade(headers)
    with pytest.raises(InvalidUpgrade):
        check_upgrade(Headers({"Connection": "Upgrade", "Upgrade": "h2c"}), among_others=True)
