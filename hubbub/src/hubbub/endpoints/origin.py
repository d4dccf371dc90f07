"""Tells requests of our own page from those of other people's pages.

A browser sends our cookie with requests that any page makes, and says in `Origin` which page that was.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


def is_same_origin(origin: str, host: str, public_url: str | None, scheme: str = "http") -> bool:
    """Say whether an Origin is the page's own.

    The page's own is that of `public_url`, if one is set, and otherwise the `Host` that was asked, by the
    scheme by which it was.  Scheme, host and port are compared, whole.
    """
    expected = _parse(public_url or f"{scheme}://{host}")
    return expected is not None and _parse(origin) == expected


def find_host(url: str) -> str | None:
    """Return whose address a page's origin is: a name in small letters, or an IP address without brackets."""
    parsed = _parse(url)
    return None if parsed is None else parsed[1]


def _parse(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what has none, `null` for one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or _has_more(parts):
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _has_more(parts: SplitResult) -> bool:
    return "@" in parts.netloc or bool(parts.path.strip("/") or parts.query or parts.fragment)
