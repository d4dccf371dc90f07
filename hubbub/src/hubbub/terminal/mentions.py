"""Who is spoken of: `<@u_ann>` in messages, `@Ann` for people.

Invariants:

1. What was written with names that nobody shares, is read with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_TOKEN: Final = re.compile(r"<@(u_[A-Za-z0-9_-]+)>")
# A fence up to its end or the text's, or a code span.
_CODE: Final = (
    r"(?:\A|(?<=\n)) {0,3}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n(?s:.*?)(?:\n {0,3}(?P=fence)|\Z)|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?s:.*?)(?<!`)(?P=ticks)(?!`)"
)
_BEGUN: Final = re.compile(r"(?<![A-Za-z0-9_])[@＠]([^\s@＠]*)$")


def read(text: str, names: Mapping[str, str]) -> str:
    """Return text as people read it; who isn't known goes by their id."""
    return _TOKEN.sub(lambda found: f"@{names.get(found[1], found[1])}", text)


def spoken_of(text: str) -> set[str]:
    """Return the ids of those whom a text speaks of."""
    return set(_TOKEN.findall(text))


def write(text: str, names: Mapping[str, str]) -> str:
    """Return text as it is sent: whoever is called by their whole name is meant, but not in code."""
    ids = {name: user for user, name in names.items() if name}
    if not ids:
        return text
    longest_first = sorted(ids, key=len, reverse=True)
    # A name in letters ends where the word does; Chinese goes on without a space.
    called = "|".join(
        re.escape(name) + (r"(?![A-Za-z0-9_])" if name[-1].isascii() else "") for name in longest_first
    )
    return re.sub(
        rf"{_CODE}|(?<![A-Za-z0-9_<])[@＠](?P<name>{called})",
        lambda found: f"<@{ids[found['name']]}>" if found["name"] else found[0],
        text,
    )


def begun(text: str) -> str | None:
    """Return what is written of a name at the end of a text, if one is being written."""
    found = _BEGUN.search(text)
    return None if found is None else found[1]


def matching(begun: str, names: Iterable[str]) -> list[str]:
    """Return the names that begin so."""
    wanted = begun.casefold()
    return sorted({name for name in names if name.casefold().startswith(wanted)}, key=str.casefold)
