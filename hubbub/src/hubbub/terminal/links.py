"""The addresses in messages: which may be followed, and where one ends that stands in a sentence.

Only http, https and mailto, only hosts in ASCII (a look-alike letter is no address) and never with a user
name, which would let the text before the @ pass for the host.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from hubbub.terminal.scripts import is_cjk

_HOST: Final = r"(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::[0-9]{1,5})?"
_FLAGS: Final = re.IGNORECASE | re.ASCII
_BARE: Final = re.compile(
    rf"https?://({_HOST})(?:[/?#][\w\-.~:/?#@!$&'()*+,;=%]*)?(?![\w\-.~:%!$&'*+,;=]*@)", _FLAGS
)
_WEB: Final = re.compile(rf"https?://({_HOST})(?:[/?#].*)?", _FLAGS | re.DOTALL)
_MAIL: Final = re.compile(r"mailto:[a-z0-9.!#$&'*+=?^_`{|}~-]+@[a-z0-9._-]+(?:\?[^@]*)?", _FLAGS)
_NOT_IN_ADDRESS: Final = re.compile(r"[^\w\-.~:/?#\[\]@!$&'()*+,;=%]", re.ASCII)
_LOOKS_LIKE_HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}", _FLAGS)
_BESIDE_HOST: Final = re.compile(r"^www\.|:[0-9]+$")


def address_at(text: str, start: int, end: int) -> str | None:
    """Return the address that begins exactly there, without the punctuation of the sentence around it."""
    found = _BARE.match(text, start, end)
    if found is None:
        return None
    after = text[found.end() : min(found.end() + 1, end)]
    return None if after.isalpha() and not is_cjk(after) else _trimmed(found[0])


def safe_href(written: str) -> str | None:
    """Return what may be followed of what somebody wrote as an address; None if nothing may."""
    if _WEB.fullmatch(written) is None and _MAIL.fullmatch(written) is None:
        return None
    return _NOT_IN_ADDRESS.sub(lambda found: quote(found[0], safe=""), written)


def host_to_show(href: str, words: str) -> str | None:
    """Return the host to name beside a link: if its words seem to name another, or it may pass for one."""
    found = _WEB.fullmatch(href)
    if found is None:
        return None
    host = found[1].lower()
    named = [other[0].lower() for other in _LOOKS_LIKE_HOST.finditer(words)]
    is_disguised = "xn--" in host and words != href
    return host if is_disguised or any(_bare(other) != _bare(host) for other in named) else None


def _bare(host: str) -> str:
    return _BESIDE_HOST.sub("", host)


def _trimmed(address: str) -> str:
    end = len(address)
    opened = address.count("(") - address.count(")")
    while end:
        last = address[end - 1]
        if last == ")" and opened < 0:
            opened += 1
        elif last not in ".,:;!?'*_~":
            break
        end -= 1
    return address[:end]
