"""ws's options that stand for something else: what they mean, and which can't be had."""

from __future__ import annotations

from typing import Any

import pytest

from fullduplex.emitter.options import (
    check_unavailable,
    extensions_of,
    read_address,
    refusal_of,
    with_credentials,
)
from fullduplex.exceptions import InvalidURI
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.uri import parse_uri


@pytest.mark.parametrize(
    "option, expected",
    [
        (False, ()),
        (True, (PerMessageDeflateFactory(),)),
        ({}, (PerMessageDeflateFactory(),)),
        (PerMessageDeflateFactory(level=1), (PerMessageDeflateFactory(level=1),)),
        (
            {
                "serverNoContextTakeover": True,
                "clientNoContextTakeover": True,
                "serverMaxWindowBits": 9,
                "clientMaxWindowBits": 10,
                "threshold": 1024,
                "zlibDeflateOptions": {"level": 3, "memLevel": 7},
            },
            (
                PerMessageDeflateFactory(
                    server_no_context_takeover=True,
                    client_no_context_takeover=True,
                    server_max_window_bits=9,
                    client_max_window_bits=10,
                    threshold=1024,
                    level=3,
                    memory_level=7,
                ),
            ),
        ),
    ],
)
def test_deflate_options_are_translated(option: Any, expected: Any) -> None:
    """Each of ws's names has its own here; what isn't named is as by default."""
    assert tuple(extensions_of(option)) == expected


@pytest.mark.parametrize(
    "option, kind, message",
    [
        ({"concurrencyLimit": 10}, TypeError, "perMessageDeflate has no option 'concurrencyLimit'"),
        ({"zlibDeflateOptions": {"chunkSize": 1}}, TypeError, "zlibDeflateOptions has no option 'chunkSize'"),
        ({"serverMaxWindowBits": 16}, ValueError, "server_max_window_bits must be from 8 to 15"),
        ({"zlibDeflateOptions": {"level": 10}}, ValueError, "level must be from -1 to 9"),
    ],
)
def test_wrong_deflate_options_are_refused(option: Any, kind: type[Exception], message: str) -> None:
    """A name that isn't known, or a number out of its range, is an error at once."""
    with pytest.raises(kind, match=message):
        extensions_of(option)


@pytest.mark.parametrize("result", [True, 1, (True,), (True, 403, "never seen", {})])
def test_verified_clients_are_let_in(result: Any) -> None:
    """Whatever counts as true lets a client in."""
    assert refusal_of(result) is None


@pytest.mark.parametrize(
    "result, status, body",
    [
        (False, 401, b"Unauthorized"),
        (None, 401, b"Unauthorized"),
        ((False,), 401, b"Unauthorized"),
        ((False, 403), 403, b"Forbidden"),
        ((False, None, "no"), 401, b"no"),
        ((False, 429, "later", {"Retry-After": "9"}), 429, b"later"),
    ],
)
def test_refusals_have_status_and_body(result: Any, status: int, body: bytes) -> None:
    """What a refusal leaves out is 401 and the status's phrase."""
    response = refusal_of(result)
    assert response is not None
    assert (response.status_code, response.body) == (status, body)
    assert response.headers["Content-Length"] == str(len(body))


def test_refusals_have_headers() -> None:
    """Headers are added to those of a refusal, or replace them."""
    headers = {"WWW-Authenticate": "Basic", "Content-Type": "text/html"}
    response = refusal_of((False, 401, "<p>No", headers))
    assert response is not None
    assert response.headers["WWW-Authenticate"] == "Basic"
    assert response.headers.get_all("Content-Type") == ["text/html"]


@pytest.mark.parametrize(
    "name, value",
    [("skipUTF8Validation", True), ("allowSynchronousEvents", False), ("protocolVersion", 8)],
)
def test_unavailable_options_are_refused(name: str, value: Any) -> None:
    """What can't be had is said, and not just ignored."""
    options = {"skipUTF8Validation": False, "allowSynchronousEvents": True}
    check_unavailable((), **options)
    with pytest.raises(ValueError, match=f"^{name} can't be"):
        check_unavailable((), **{**options, name: value})


@pytest.mark.parametrize(
    "name, instead",
    [
        ("agent", "proxy or sock"),
        ("closeTimeout", "close_timeout says it, in seconds"),
        ("generateMask", "must be unpredictable"),
        ("maxBufferedChunks", "limits"),
        ("maxFragments", "limits"),
        ("maxPendingAutoPongs", "never more than one"),
        ("server", "http"),
    ],
)
def test_other_names_are_told(name: str, instead: str) -> None:
    """An option of ws that has another name here is refused with that."""
    options = {"skipUTF8Validation": False, "allowSynchronousEvents": True}
    check_unavailable(["host"], **options)
    with pytest.raises(TypeError, match=f"^{name} isn't an option here: .*{instead}"):
        check_unavailable(["host", name], **options)


@pytest.mark.parametrize(
    "address, url, asked, place",
    [
        ("WS://Localhost:80/a b?c#", "ws://localhost/a%20b?c#", "ws://localhost/a%20b?c", {}),
        ("https://a:b@localhost", "wss://a:b@localhost/", "wss://a:b@localhost/", {}),
        ("ws+unix:/tmp/x", "ws+unix:/tmp/x", "ws://localhost/", {"path": "/tmp/x"}),
        ("ws+unix:/tmp/x:/y?z", "ws+unix:/tmp/x:/y?z", "ws://localhost/y?z", {"path": "/tmp/x"}),
    ],
)
def test_addresses_are_read(address: str, url: str, asked: str, place: dict[str, str]) -> None:
    """An address is brought into its normal form, and says what to ask for, and where."""
    assert read_address(address) == (url, parse_uri(asked), place)


@pytest.mark.parametrize("address", ["localhost", "ftp://localhost/", "ws://localhost/#a", "ws+unix::/x"])
def test_other_addresses_are_refused(address: str) -> None:
    """What leads to no WebSocket is refused, and so is a fragment."""
    with pytest.raises(InvalidURI):
        read_address(address)


@pytest.mark.parametrize(
    "address, auth, headers, credentials",
    [
        ("ws://host/", None, {}, (None, None)),
        ("ws://host/", "user:a:b", {}, ("user", "a:b")),
        ("ws://host/", "user", {}, ("user", "")),
        ("ws://own:word@host/", "user:pass", {}, ("own", "word")),
        ("ws://own:word@host/", "user:pass", {"authorization": "x"}, (None, None)),
    ],
)
def test_credentials_have_one_place(address: str, auth: Any, headers: Any, credentials: Any) -> None:
    """A header goes before the address, and the address before ``auth``."""
    uri = with_credentials(parse_uri(address), auth, Headers(headers))

    assert (uri.username, uri.password) == credentials
