"""The chat as it is run by its command, with its queries counted.

At each SIGUSR1 it says "queries" and, as JSON, how many there were since the last time, by what they were
for.  What begins, ends or sets up a transaction isn't a query.
"""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from hubbub.cli import cli

#: Tables that hold what was said, and how far streams are; others say who may hear of it.
SAID = {"events", "messages", "reactions", "mentions"}
WHO, STREAMS, WRITES = "token and memberships", "streams", "writes"


def purpose(statement: str) -> str | None:
    """Return what a statement is for."""
    verb = statement.split(None, 1)[0].upper()
    if verb in {"INSERT", "UPDATE", "DELETE"}:
        return WRITES
    if verb != "SELECT":
        return None
    tables = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", statement))
    return STREAMS if tables & SAID or tables == {"streams"} else WHO


def count_queries() -> None:
    """Count from now on, and tell when asked."""
    counts: Counter[str] = Counter()

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if (kind := purpose(statement)) is not None:
            counts[kind] += 1

    def tell(*_: Any) -> None:
        print("queries", json.dumps(counts), flush=True)
        counts.clear()

    event.listen(Engine, "before_cursor_execute", count)
    signal.signal(signal.SIGUSR1, tell)


if __name__ == "__main__":
    count_queries()
    cli()
