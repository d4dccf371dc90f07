"""ws's options that stand for something else: what they mean, and which can't be had."""

from __future__ import annotations

from typing import Any

import pytest

from fullduplex.emitter.options import check_unavailable, extensions_of, refusal_of
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory


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


@pytest.mark.parametrize("name, value", [("skipUTF8Validation", True), ("allowSynchronousEvents", False)])
def test_unavailable_options_are_refused(name: str, value: bool) -> None:
    """What can't be had is said, and not just ignored."""
    options = {"skipUTF8Validation": False, "allowSynchronousEvents": True}
    check_unavailable(**options)
    with pytest.raises(ValueError, match=f"^{name} can't be"):
        check_unavailable(**{**options, name: value})
