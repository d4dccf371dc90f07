"""``fullduplex connect``: talk with a server, in a terminal or from a script."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import shutil
import sys

from .display import Display, can_draw
from .history import HistoryFile, history_path
from .opening import Target, target_of
from .piped import converse as converse_by_pipes
from .talk import TalkingConnection
from .terminal import AT_ONCE, Editor, PlainEditor
from .terminal import converse as converse_in_terminal

__all__ = ["run"]

KEYS = "Enter sends, Alt-Enter begins a new line, Ctrl-D closes, /help has more"
PLAIN_KEYS = "Enter sends, Ctrl-D closes, /help has more"
HINT = "plain typing: pip install 'fullduplex[cli]' brings history, search and several lines"


def run(options: argparse.Namespace) -> int:
    """Connect and talk; return the exit status.

    Raises:
        Complaint: if there is no connection, or something can't be sent.
    """
    # It may ask for a password, which Ctrl-C doesn't get out of in a loop.
    target = target_of(options)
    return asyncio.run(_talk(target, options))


async def _talk(target: Target, options: argparse.Namespace) -> int:
    connection = await target.open(
        TalkingConnection,
        compression=None if options.no_compression else "deflate",
        max_size=options.max_size,
        max_queue=AT_ONCE,
    )
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        shown = _display(options) if sys.stdout.isatty() else None
        return await converse_by_pipes(connection, options, shown)
    display = _display(options)
    editor, hints = _editor(options)
    for line in [_greeting(target, connection), *hints]:
        editor.show(display.notice(line))
    await editor.settle()
    return await converse_in_terminal(connection, editor, display, options.form, options.ping)


def _display(options: argparse.Namespace) -> Display:
    """Return the display for a terminal, which is never stopped by a character that it doesn't have."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Display(
        is_coloured=not os.environ.get("NO_COLOR") and can_draw(),
        is_json=options.json,
        most=options.show,
        columns=shutil.get_terminal_size().columns,
    )


def _editor(options: argparse.Namespace) -> tuple[Editor, list[str]]:
    """Return the best editor that there is, with what to know of it, and of a better one."""
    if not can_draw():
        return PlainEditor(), [PLAIN_KEYS]
    try:
        from .editor import LineEditor
    except ImportError:
        return PlainEditor(), [PLAIN_KEYS, HINT]
    return LineEditor(None if options.no_history else HistoryFile(history_path())), [KEYS]


def _greeting(target: Target, connection: TalkingConnection) -> str:
    agreed = [connection.subprotocol or ""]
    if connection.response is not None and "Sec-WebSocket-Extensions" in connection.response.headers:
        agreed.append("compressed")
    how = ", ".join(filter(None, agreed))
    return f"connected to {target.uri}{f' ({how})' if how else ''}"
