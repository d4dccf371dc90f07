"""From the options of a command to a connection: where it leads, with whose credentials, through what.

It makes the arguments of ``aio.connect`` and complains of what can't be.
"""

from __future__ import annotations

import argparse
import getpass
import ssl
import sys
from dataclasses import dataclass
from typing import Any, TypeVar

from ..aio.client import ClientConnection, connect
from ..aio.proxy import proxy_from_environment
from ..exceptions import InvalidHandshake, InvalidProxy, InvalidURI
from ..protocol.headers import Headers, build_authorization_basic
from ..protocol.proxy import parse_proxy
from ..protocol.uri import URI, parse_uri
from .complaints import USAGE, Complaint, advice, reason, without_secrets

__all__ = ["Target", "target_of"]

C = TypeVar("C", bound=ClientConnection)


@dataclass(frozen=True)
class Target:
    """Where to connect to, and how: ``way`` has the arguments of ``connect`` that tell it."""

    url: str
    uri: URI
    way: dict[str, Any]

    async def open(self, kind: type[C], **options: Any) -> C:
        """Open a connection of a kind; ``options`` are those of ``connect``.

        Raises:
            Complaint: if it can't be.
        """
        try:
            connection = await connect(self.url, create_connection=kind, **self.way, **options)
        except InvalidProxy as error:
            raise Complaint(f"{error}; write it like http://localhost:3128.", USAGE) from error
        except (InvalidHandshake, OSError, TimeoutError, ValueError) as error:
            raise Complaint(self._explain(error)) from error
        assert isinstance(connection, kind)
        return connection

    def _explain(self, error: Exception) -> str:
        """Say that the connection can't be opened, why, and what to do."""
        proxy = self.way["proxy"]
        through = f" through the proxy {parse_proxy(proxy)}" if proxy is not None else ""
        if isinstance(error, TimeoutError) and not error.errno:
            seconds = self.way["open_timeout"]
            why, then = f"no answer within {seconds:g} seconds", "--timeout allows for more"
        else:
            why, then = reason(error), advice(error)
        if proxy is not None and not then:
            then = "--no-proxy goes without it"
        return f"can't connect to {self.uri}{through}: {why}{'; ' if then else ''}{then}."


def target_of(options: argparse.Namespace) -> Target:
    """Return the target that a command's options name.

    Raises:
        Complaint: if there is none.
    """
    try:
        uri = parse_uri(options.url)
    except InvalidURI as error:
        shown = without_secrets(options.url)
        sentence = (
            f"{shown} isn't a valid WebSocket URI: {error.problem}; write it like ws://localhost:9998/."
        )
        raise Complaint(sentence, USAGE) from error
    way = {
        "additional_headers": _headers_of(options, uri),
        "origin": options.origin,
        "subprotocols": options.subprotocol or None,
        "ssl": _tls_of(options, uri),
        "proxy": _proxy_of(options, uri),
        "open_timeout": options.timeout,
    }
    return Target(options.url, uri, way)


def _headers_of(options: argparse.Namespace, uri: URI) -> Headers:
    headers = Headers(options.header or ())
    if options.cookie:
        headers["Cookie"] = "; ".join(options.cookie)
    if options.bearer is not None:
        headers["Authorization"] = f"Bearer {options.bearer}"
    elif options.user is not None:
        username, colon, password = options.user.partition(":")
        headers["Authorization"] = build_authorization_basic(
            username, password if colon else _ask_password(username)
        )
    if len(headers.get_all("Authorization")) + (uri.username is not None) > 1:
        sentence = (
            "there are several credentials: give one of --user, --bearer, -H Authorization or in the address."
        )
        raise Complaint(sentence, USAGE)
    return headers


def _ask_password(username: str) -> str:
    if not sys.stdin.isatty():
        raise Complaint("--user needs NAME:PASSWORD where there is no terminal to ask at.", USAGE)
    return getpass.getpass(f"Password of {username}: ")


def _tls_of(options: argparse.Namespace, uri: URI) -> ssl.SSLContext | None:
    if not options.insecure and options.cafile is None:
        return None
    if not uri.secure:
        raise Complaint("--insecure and --cafile are for addresses that begin with wss://.", USAGE)
    try:
        context = ssl.create_default_context(cafile=options.cafile)
    except OSError as error:
        # An SSLError is one too: a file that has no certificates.
        raise Complaint(f"can't read certificates from {options.cafile}: {reason(error)}.", USAGE) from error
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxy_of(options: argparse.Namespace, uri: URI) -> str | None:
    """Return the address of the proxy to go through, if any."""
    if options.no_proxy:
        return None
    if options.proxy is not None:
        return str(options.proxy)
    return proxy_from_environment(uri.server_name, uri.port, secure=uri.secure)
