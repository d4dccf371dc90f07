"""What the log looks like: lines for people, or an object of JSON a line for programs.

Invariants:

1. Every line that is written while a request is answered has the request's name.
2. What lets somebody in is in no line, even if whoever writes it puts it there.
"""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

import msgspec

from hubbub.endpoints import cookies
from hubbub.endpoints.traffic import request_id

Kind = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

_HIDDEN: Final = "***"
# What a token stands behind, wherever it is said, and the password of an address.
_SECRETS: Final = re.compile(
    rf"((?i:bearer\s+)|{cookies.NAME}=|(?i:\"?(?:token|password|secret)\"?\s*[:=]\s*\"?)|/invite/)[^\s\"',;&]+"
)
_PASSWORDS: Final = re.compile(r"(://[^\s:/@]*:)[^\s@]*(?=@)")
# PostgreSQL tells under its errors which rows they are about.
_DETAIL: Final = re.compile(r"^(\s*DETAIL:).*$", re.MULTILINE)


def hide_secrets(text: str) -> str:
    """Return a text without what lets somebody in, and without what a database says of its rows."""
    text = _SECRETS.sub(rf"\1{_HIDDEN}", text)
    text = _PASSWORDS.sub(rf"\1{_HIDDEN}", text)
    return _DETAIL.sub(rf"\1 {_HIDDEN}", text)


class TextFormatter(logging.Formatter):
    """Writes lines for people."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        """Write one."""
        name = request_id.get()
        return hide_secrets(super().format(record)) + (f" [{name}]" if name else "")


class JSONFormatter(logging.Formatter):
    """Writes an object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hide_secrets(record.getMessage()),
        }
        if name := request_id.get():
            line["request"] = name
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = hide_secrets(self.formatException(record.exc_info))
        return msgspec.json.encode(line, enc_hook=str).decode()


def start_logging(kind: Kind, level: Level, stream: TextIO | None = None) -> logging.Handler:
    """Write from now on what is as grave as `level`; of what isn't ours, only what is a trouble.

    Others tell at lower levels what they were given: statements, and frames with what people say.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    text = TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JSONFormatter() if kind == "json" else text)
    least = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(max(least, logging.WARNING))
    logging.getLogger("hubbub").setLevel(least)
    return handler
