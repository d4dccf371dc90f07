"""The command line: `hubbub serve`.

Nothing heavy is imported before it is needed, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from hubbub import __version__

if TYPE_CHECKING:
    from hubbub.config import Settings

PORT = click.IntRange(0, 65535)
WRONG_USE = 2
INTERRUPTED = 130


@click.group()
@click.version_option(__version__, prog_name="hubbub", message="%(prog)s %(version)s")
def cli() -> None:
    """A chat for many people, in the browser and over one port."""


@cli.command("serve")
@click.option("--host", metavar="ADDRESS", help="Listen on this address (127.0.0.1).")
@click.option("--port", type=PORT, metavar="PORT", help="Listen on this port (8000); 0 takes a free one.")
@click.option("--data", metavar="FOLDER", help="Keep everything in this folder (~/.local/share/hubbub).")
@click.option("--database", metavar="URL", help="Keep it in this PostgreSQL database instead.")
@click.option("--public-url", metavar="URL", help="Where browsers find the server, if elsewhere.")
@click.option("--config", type=Path, metavar="FILE", help="Read settings from this TOML file.")
def serve_command(config: Path | None, **flags: object) -> None:
    """Start the chat.

    Every option can also be set in the environment (HUBBUB_HOST, HUBBUB_PORT, HUBBUB_DATA, HUBBUB_PUBLIC_URL)
    or in a TOML file; the command line goes first, the file last.  An address of a database that has a
    password belongs there (HUBBUB_DATABASE): everybody on the machine sees command lines.
    """
    asyncio.run(_serve(_load(flags, config)))


def _load(flags: Mapping[str, object], config: Path | None) -> Settings:
    from hubbub.config import ConfigError, load

    try:
        return load(flags, os.environ, config)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


async def _serve(settings: Settings) -> None:
    import logging

    from hubbub.app import StartError, run_chat

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        async with run_chat(settings) as address:
            stopped = _catch_signals()
            click.echo(f"Open {address} (everything is kept in {settings.place}; Ctrl+C stops).")
            await stopped.wait()
    except StartError as error:
        raise click.ClickException(str(error)) from error


def _catch_signals() -> asyncio.Event:
    """Return what is set by the first signal to stop; a second one stops at once."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    return stopped


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program, and exit; every mistake is told in a sentence."""
    try:
        code = cli.main(arguments, prog_name="hubbub", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(WRONG_USE)
    except click.UsageError as error:
        click.echo(f"hubbub: {error.format_message()} See hubbub --help.", err=True)
        sys.exit(WRONG_USE)
    except click.ClickException as error:
        click.echo(f"hubbub: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    sys.exit(code)
