"""The exceptions: their tree, their facts and their sentences."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from fullduplex import exceptions
from fullduplex.close import Close
from fullduplex.exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    DuplicateParameter,
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidOrigin,
    InvalidParameterName,
    InvalidParameterValue,
    InvalidProxy,
    InvalidProxyMessage,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    LocalProtocolError,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
    ProxyError,
    RemoteProtocolError,
    SecurityError,
    WebSocketException,
    without_frames,
)
from fullduplex.protocol.http11 import Response

SENTENCES = [
    (WebSocketException("anything"), "anything"),
    (InvalidHandshake("failed"), "failed"),
    (SecurityError("more than 10 redirects"), "more than 10 redirects"),
    (ProxyError("general failure"), "general failure"),
    (InvalidProxyMessage("malformed status line"), "malformed status line"),
    (InvalidProxyStatus(Response(407)), "proxy rejected the connection: HTTP 407"),
    (InvalidMessage("malformed request line"), "malformed request line"),
    (InvalidStatus(Response(404)), "server rejected the WebSocket connection: HTTP 404"),
    (InvalidHeader("Host"), "missing Host header"),
    (InvalidHeader("Host", ""), "empty Host header"),
    (InvalidHeader("Host", "a b"), "invalid Host header: a b"),
    (
        InvalidHeaderFormat("Connection", "expected token", "a,;", 2),
        "invalid Connection header: expected token at 2 in a,;",
    ),
    (InvalidHeaderValue("Sec-WebSocket-Accept", "x"), "invalid Sec-WebSocket-Accept header: x"),
    (InvalidOrigin("null"), "invalid Origin header: null"),
    (InvalidOrigin(None), "missing Origin header"),
    (InvalidUpgrade("Upgrade", "h2c"), "invalid Upgrade header: h2c"),
    (NegotiationError("no common subprotocol"), "no common subprotocol"),
    (DuplicateParameter("x"), "duplicate parameter: x"),
    (InvalidParameterName("x"), "invalid parameter name: x"),
    (InvalidParameterValue("x", None), "missing value for parameter x"),
    (InvalidParameterValue("x", ""), "empty value for parameter x"),
    (InvalidParameterValue("x", "99"), "invalid value for parameter x: 99"),
    (
        InvalidURI("http://host", "the scheme isn't ws or wss"),
        "http://host isn't a valid WebSocket URI: the scheme isn't ws or wss",
    ),
    (InvalidURI("ws://ann:le/e@:1/a@b?c@d", "…"), "ws://…@b?c@d isn't a valid WebSocket URI: …"),
    (InvalidURI("\\\\ann:lee@h", "…"), "\\\\…@h isn't a valid WebSocket URI: …"),
    (InvalidURI("a:b@h", "…"), "a:…@h isn't a valid WebSocket URI: …"),
    (
        InvalidProxy("ftp://host", "the scheme isn't one of a proxy"),
        "ftp://host isn't a valid proxy: the scheme isn't one of a proxy",
    ),
    (ProtocolError("broken"), "broken"),
    (LocalProtocolError("a bug"), "a bug"),
    (RemoteProtocolError("reserved opcode 3 (5.2)"), "reserved opcode 3 (5.2)"),
    (PayloadTooBig(10, 5), "message with 10 bytes exceeds the limit of 5 bytes"),
    (PayloadTooBig(None, 5), "message exceeds the limit of 5 bytes"),
    (PayloadTooBig(10, 5, "frame"), "frame with 10 bytes exceeds the limit of 5 bytes"),
    (ConnectionClosed(None, None), "no close frame received or sent"),
    (ConnectionClosedError(None, Close(1001)), "sent 1001 (going away); no close frame received"),
    (ConnectionClosedError(Close(1000), None), "received 1000 (OK); no close frame sent"),
    (
        ConnectionClosedOK(Close(1000), Close(1000), True),
        "received 1000 (OK); then sent 1000 (OK)",
    ),
    (
        ConnectionClosedOK(Close(1000), Close(1001, "bye"), False),
        "sent 1001 (going away) bye; then received 1000 (OK)",
    ),
    (ConcurrencyError("two tasks"), "two tasks"),
]


def name_of(exception: BaseException) -> str:
    """Name a parameter of a test."""
    return type(exception).__name__


@pytest.mark.parametrize("exception, sentence", SENTENCES)
def test_exception_says_its_sentence(exception: Exception, sentence: str) -> None:
    """The sentence is made of the facts."""
    assert str(exception) == sentence


def test_every_exception_is_in_the_table() -> None:
    """Each exception that is offered has its sentence here."""
    assert {name_of(exception) for exception, _ in SENTENCES} == set(exceptions.__all__)


@pytest.mark.parametrize("exception", [exception for exception, _ in SENTENCES], ids=name_of)
@pytest.mark.parametrize("again", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_exception_survives_copying(exception: Exception, again: object) -> None:
    """Copied, or pickled on its way from another process, an exception keeps its facts."""
    other = again(exception)  # type: ignore[operator]

    assert type(other) is type(exception)
    assert str(other) == str(exception)
    assert vars(other).keys() == vars(exception).keys()


def test_tree_is_as_drawn() -> None:
    """The drawing in the module's docstring shows each exception below its parent."""
    parents: list[str] = []
    drawn: dict[str, str] = {}
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r"    (?P<bars>[│ ]*)(?P<twig>[├└]── )?(?P<names>[A-Z]\w+( · \w+)*)", line)
        if found:
            depth = (len(found["bars"]) + len(found["twig"] or "")) // 4
            names = found["names"].split(" · ")
            drawn.update((name, parents[depth - 1]) for name in names if depth)
            parents[depth:] = [names[0]]

    assert drawn == {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(exceptions, inspect.isclass)
        if name in exceptions.__all__ and name != "WebSocketException"
    }


@pytest.mark.parametrize(
    "kind, builtin",
    [(InvalidURI, ValueError), (InvalidProxy, ValueError), (ConcurrencyError, RuntimeError)],
)
def test_some_are_builtins_too(kind: type[Exception], builtin: type[Exception]) -> None:
    """Where Python has a word for it, the exception is that as well."""
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    "exception, code, reason",
    [
        (ConnectionClosed(None, Close(1000)), 1006, ""),
        (ConnectionClosed(Close(1005), Close(1005)), 1005, ""),
        (ConnectionClosed(Close(4000, "go"), Close(1000)), 4000, "go"),
    ],
)
def test_code_and_reason_are_the_peers(exception: ConnectionClosed, code: int, reason: str) -> None:
    """Code and reason are what was received, 1006 if nothing was (7.1.5, 7.1.6)."""
    assert (exception.code, exception.reason) == (code, reason)


def test_statuses_and_codes_have_defaults() -> None:
    """What the peer is told is 400, or 1002, unless said otherwise."""
    assert InvalidMessage("").status_code == 400
    assert InvalidMessage("", 431).status_code == 431
    assert RemoteProtocolError("").close_code == 1002
    assert RemoteProtocolError("", 1007).close_code == 1007


def test_peers_names_are_known() -> None:
    """Programs written for ``websockets`` find its names on a closed connection."""
    closed = ConnectionClosed(Close(1000), Close(1001), True)

    assert (closed.rcvd, closed.rcvd_then_sent) == (closed.received, True)


def test_kept_error_has_no_frames() -> None:
    """Neither an error that is kept nor one that it came from holds frames, whether named or implied."""

    def fail() -> None:
        try:
            try:
                raise KeyError(1)
            finally:
                raise ValueError(2)
        except ValueError as error:
            raise InvalidHeader("Host") from error

    with pytest.raises(InvalidHeader) as caught:
        fail()
    error = caught.value
    links = [error, error.__cause__, error.__cause__.__context__ if error.__cause__ else None]
    assert all(link is not None and link.__traceback__ for link in links)

    assert without_frames(error) is error
    assert [link and link.__traceback__ for link in links] == [None, None, None]
