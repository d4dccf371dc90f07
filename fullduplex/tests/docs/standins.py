"""What stands in, while a page is run, for what it names of a reader's world: ports, hosts and certificates.

A page says `localhost:9998`, and that port may be taken; so each of its ports is another one while the page
runs, and what programs print is read back as the page would have it.  `wss://chat.example/` is a port of this
machine, and certificates under `/etc` are one that the page's programs trust.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
from pathlib import Path

from ..aio.certificate import make_certificate

# Where a number is a port: in an address, an option, an argument, a line of nginx's or Caddy's.
_PORT = re.compile(
    r"""(?: (?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\.example) : (?=\d)
          | ["'](?:localhost|127\.0\.0\.1|0\.0\.0\.0)["'],\s*
          | \bport(?:=|:?\s+) | \bPORT\ =\ | \blisten\s+(?:\S+:)? | ^: )
        (?P<port>\d{2,5})\b""",
    re.VERBOSE | re.MULTILINE,
)
_ADDRESS = re.compile(r"\b(?P<scheme>wss?|https?)://[\w-]+\.example(?![\w:])")
_HOST = re.compile(r"\b[\w-]+\.example\b")
_CERTIFICATE = re.compile(r"/etc/[\w/.-]+\.(?:pem|crt|key)\b")

# What uvicorn listens on unless it is told otherwise, and servers of these schemes.
_UVICORN = 8000
_DEFAULTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

# Below those that the system gives to outgoing connections.
_FREE = range(20_000, 32_000)


class StandIns:
    """What stands in for what on one page."""

    def __init__(self, page: str, folder: Path) -> None:
        named = {int(found["port"]) for found in _PORT.finditer(page)} | {_UVICORN, *_DEFAULTS.values()}
        self._ports = dict(zip(sorted(named), _free_ports(len(named)), strict=True))
        # A small number may be anything: it is a port only where it has to be one.
        self._large = re.compile(
            rf"(?<![\w.])(?:{'|'.join(str(port) for port in named if port > 999)})(?!\w)"
        )
        self._certificate = (
            make_certificate(folder) if _HOST.search(page) or _CERTIFICATE.search(page) else None
        )

    @property
    def ports(self) -> set[int]:
        """Every port that stands in for one."""
        return set(self._ports.values())

    def environment(self) -> dict[str, str]:
        """Return what tells programs of the stand-ins."""
        told = {"UVICORN_PORT": str(self._ports[_UVICORN])}
        return told | ({"SSL_CERT_FILE": str(self._certificate)} if self._certificate else {})

    def replaced(self, text: str) -> str:
        """Return a text of the page with the stand-ins in it."""
        text = _ADDRESS.sub(lambda found: f"{found[0]}:{_DEFAULTS[found['scheme']]}", text)
        text = _HOST.sub("localhost", text)
        text = _PORT.sub(self._replace_small, text)
        text = self._large.sub(lambda found: str(self._ports[int(found[0])]), text)
        return _CERTIFICATE.sub(str(self._certificate), text)

    def _replace_small(self, found: re.Match[str]) -> str:
        port = int(found["port"])
        return found[0] if port > 999 else found[0].removesuffix(found["port"]) + str(self._ports[port])

    def restored(self, text: str) -> str:
        """Return a text with what it stands for in the place of each stand-in."""
        for port, stand_in in self._ports.items():
            text = re.sub(rf"(?<!\d){stand_in}(?!\d)", str(port), text)
        return text

    def ports_in(self, text: str) -> set[int]:
        """Return the ports that a text names in which stand-ins are replaced."""
        ports = {port for port in self._ports.values() if re.search(rf"(?<!\d){port}(?!\d)", text)}
        return ports | ({self._ports[_UVICORN]} if re.match(r"uvicorn\b", text) else set())


def _free_ports(count: int) -> list[int]:
    """Return so many ports that nobody listens on at present."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_FREE)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found


async def is_listening(port: int) -> bool:
    """Say whether somebody takes connections on a port of this machine."""
    try:
        _, writer = await asyncio.open_connection("localhost", port)
    except OSError:
        return False
    writer.close()
    return True
