"""The ``fullduplex`` command: its help, and which module does what.

A command's module is loaded when it is called for, so that help comes at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import kernels
from ..version import __version__
from .arguments import Parser
from .complaints import INTERRUPTED, Complaint
from .options import add_bench, add_connect, add_echo

__all__ = ["main", "parse"]

HELP = """\
commands:
  connect URL   talk with a server: type to send, see what arrives; or pipe
  echo          serve: send every message back
  bench URL     send as much as a server echoes, and show how fast

a first minute, in two terminals:
  fullduplex echo
  fullduplex connect ws://localhost:9998/

from a script:
  echo hello | fullduplex connect ws://localhost:9998/

fullduplex COMMAND --help has each command's options and examples.
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parse(words)
    run = importlib.import_module(f".{options.command}", __package__).run
    try:
        status: int = run(options)
        sys.stdout.flush()
    except Complaint as complaint:
        print(f"fullduplex: {complaint}", file=sys.stderr)
        return complaint.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who reads our output has seen enough; what is left of it must not fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the arguments; what is wrong with them, and help, end the program."""
    parser = Parser(
        prog="fullduplex",
        usage="fullduplex COMMAND …",
        description="WebSocket at the command line: talk, serve, measure.",
        epilog=HELP,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="tell the version and stop")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS, title=argparse.SUPPRESS
    )
    add_connect(commands)
    add_echo(commands)
    add_bench(commands)
    return parser.parse_args(words)


class _Version(argparse.Action):
    """Tells the version, and what it runs on: to load that would make each command start later."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> NoReturn:
        from ..transport import native

        transport = "asyncio" if native.engine is None else "engine"
        kind = "native" if kernels.NATIVE else "pure Python"
        python = f"{platform.python_implementation()} {platform.python_version()}"
        print(f"fullduplex {__version__} (transport: {transport}; kernels: {kind}; {python})")
        parser.exit()
