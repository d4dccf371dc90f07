"""Sentences about what went wrong: in words, with what to do, and without secrets."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest

from fullduplex.cli.complaints import ABNORMAL, FAILED, Complaint, advice, reason, without_secrets
from fullduplex.exceptions import (
    InvalidMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    NegotiationError,
    SecurityError,
)
from fullduplex.protocol.headers import Headers
from fullduplex.protocol.http11 import Response


def response(status: int) -> Response:
    """Return a response with a status."""
    return Response(status, "", Headers())


@pytest.mark.parametrize(
    "address, shown",
    [
        ("ws://localhost:1/a", "ws://localhost:1/a"),
        ("ws://me:geheim@localhost/", "ws://localhost/"),
        ("ws://me@geheim@localhost/", "ws://localhost/"),
        ("me:geheim@localhost/x", "localhost/x"),
        ("wss://localhost/?token=geheim", "wss://localhost/"),
        ("wss://localhost/#geheim", "wss://localhost/"),
        ("wss://localhost?geheim@there", "wss://localhost"),
        ("http://me:geheim@localhost/@x", "http://localhost/@x"),
    ],
)
def test_addresses_lose_secrets(address: str, shown: str) -> None:
    """User name, password and query aren't shown, be it an address or not."""
    assert without_secrets(address) == shown


@pytest.mark.parametrize(
    "error, words",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name or service not known"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong"), "TLS failed: "),
        (
            InvalidURI("ws://me:geheim@x/#f", "it has a fragment"),
            "ws://x/ isn't a valid WebSocket URI: it has",
        ),
        (InvalidStatus(response(403)), "HTTP 403"),
        (OSError("Multiple exceptions"), "Multiple exceptions"),
        (OSError("Multiple exceptions: [Errno 111] x ('::1', 1), [Errno 111] x"), os.strerror(111).lower()),
    ],
)
def test_errors_have_words(error: Exception, words: str) -> None:
    """What went wrong is said in this system's words, without secrets."""
    assert words in reason(error)
    assert "geheim" not in reason(error)


@pytest.mark.parametrize(
    "error, words",
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "see that it runs"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "check the name"),
        (ssl.SSLCertVerificationError(1, "x"), "--cafile"),
        (ssl.SSLError(1, "x"), "ws://"),
        (InvalidStatus(response(401)), "--user"),
        (InvalidStatus(response(403)), "--origin"),
        (InvalidStatus(response(404)), "path"),
        (InvalidStatus(response(200)), "something else"),
        (InvalidProxyStatus(response(407)), "--proxy"),
        (NegotiationError("x"), "--subprotocol"),
        (InvalidMessage("x"), "no WebSocket server"),
    ],
)
def test_errors_have_advice(error: Exception, words: str) -> None:
    """What to do about it is said where something can be done."""
    assert words in advice(error)


@pytest.mark.parametrize(
    "error", [InvalidProxyStatus(response(502)), SecurityError("x"), TimeoutError(), OSError()]
)
def test_no_advice_is_invented(error: Exception) -> None:
    """Where nothing is known to help, nothing is said."""
    assert advice(error) == ""


def test_complaints_have_a_status() -> None:
    """A complaint carries the exit status: 1, if no other is named."""
    assert (Complaint("x").status, Complaint("x", ABNORMAL).status) == (FAILED, 3)
