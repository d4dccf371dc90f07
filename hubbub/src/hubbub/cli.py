"""The command line: `hubbub serve`, `hubbub chat`, and what is done to a chat that is or isn't running.

Nothing heavy is imported before it is needed, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from hubbub import __version__

if TYPE_CHECKING:
    from hubbub.config import Settings

T = TypeVar("T")

PORT = click.IntRange(0, 65535)
CONFIG = click.option(
    "--config",
    type=Path,
    metavar="FILE",
    envvar="HUBBUB_CONFIG",
    help="Read settings from this TOML file.",
)
WRONG_USE = 2
INTERRUPTED = 130

BACKUP_OF_POSTGRESQL = (
    "{place} is PostgreSQL's: back it up with pg_dump --format=custom --file=FILE, which may be done "
    "while the chat runs. Bring it back with pg_restore while it doesn't, and then run hubbub new-epoch."
)
RESTORE_OF_POSTGRESQL = (
    "{place} is PostgreSQL's: stop the chat, bring it back with pg_restore --clean --if-exists, "
    "and then run hubbub new-epoch."
)


NO_TERMINAL = "hubbub chat needs a terminal; programs use hubbub.client, or HTTP."
NO_TERMINAL_CLIENT = "The terminal client isn't installed: pip install 'hubbub[terminal]'"


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
@click.option("--metrics-host", metavar="ADDRESS", help="Show metrics at this address (127.0.0.1).")
@click.option("--metrics-port", type=PORT, metavar="PORT", help="Show metrics at this port.")
@CONFIG
def serve_command(config: Path | None, **flags: object) -> None:
    """Start the chat.

    Every option, and much else, can also be set in the environment (HUBBUB_HOST, HUBBUB_PORT ...) or in a
    TOML file, which HUBBUB_CONFIG may name; the command line goes first, the file last.  An
    address of a database that has a password belongs there (HUBBUB_DATABASE): everybody on the machine sees
    command lines.
    """
    asyncio.run(_serve(_load(flags, config)))


@cli.group("config")
def config_group() -> None:
    """Look at the settings that the chat would start with."""


@config_group.command("check")
@CONFIG
def check_command(config: Path | None) -> None:
    """Say whether the settings make sense."""
    _load({}, config)
    click.echo("The settings make sense.")


@config_group.command("show")
@CONFIG
def show_command(config: Path | None) -> None:
    """Show every setting of the chat, and where it was said; passwords aren't shown."""
    from hubbub.config import trace

    choices = _configure(trace, {}, config)
    longest = max(map(len, choices))
    for name, (value, where) in choices.items():
        click.echo(f"{name:{longest}}  {'-' if value is None or value == '' else value}  ({where})")


@cli.command("chat")
@click.argument("url")
@click.option("--name", metavar="NAME", help="Be a guest of this name.")
@click.option("--login", "username", metavar="USERNAME", help="Be who has this account.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Speak English or Chinese (by LANG).")
@click.option("--theme", type=click.Choice(["dark", "light"]), help="Dark or light colours.")
def chat_command(
    url: str, name: str | None, username: str | None, language: str | None, theme: str | None
) -> None:
    """Be in the chat at URL, in the terminal.

    Who comes for the first time is asked for a name; afterwards one is the same guest again.
    """
    if name is not None and username is not None:
        raise click.UsageError("Either --name or --login.")
    if importlib.util.find_spec("textual") is None:
        raise click.ClickException(NO_TERMINAL_CLIENT)
    if not _is_terminal():
        raise click.ClickException(NO_TERMINAL)
    from hubbub.terminal.entering import Asking, EntryError
    from hubbub.terminal.start import chat

    asking = Asking(click.prompt, functools.partial(click.prompt, hide_input=True))
    try:
        asyncio.run(chat(url, asking, name=name, username=username, language=language, theme=theme))
    except EntryError as error:
        raise click.ClickException(str(error)) from error


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _choose_database(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command be told where everything is kept."""
    for option in (
        CONFIG,
        click.option("--database", metavar="URL", help="It is kept in this PostgreSQL database."),
        click.option("--data", metavar="FOLDER", help="It is kept in this folder (~/.local/share/hubbub)."),
    ):
        command = option(command)
    return command


@cli.command("backup")
@click.argument("file", type=Path)
@_choose_database
def backup_command(file: Path, config: Path | None, **flags: object) -> None:
    """Copy everything into a new FILE, whether the chat runs or not, and verify the copy.

    What people have uploaded is in the folder FILE.files then, which belongs to it.
    """
    settings = _load(flags, config)
    _refuse_postgresql(settings, BACKUP_OF_POSTGRESQL)
    from hubbub.storage.backup import back_up
    from hubbub.storage.folder import DATABASE

    with _explain("Can't back up"):
        missing = back_up(settings.folder / DATABASE, file, _tell)
    _tell_missing(missing)
    click.echo(f"{file} has everything, and was verified.")


@cli.command("restore")
@click.argument("file", type=Path)
@_choose_database
def restore_command(file: Path, config: Path | None, **flags: object) -> None:
    """Put what FILE has in the place of what is there, which is kept beside it.

    The chat must not be running.  When people come back, what they have is replaced by what FILE has; who was
    signed in when it was made, is so again.
    """
    settings = _load(flags, config)
    _refuse_postgresql(settings, RESTORE_OF_POSTGRESQL)
    from hubbub.storage.backup import restore, restore_files
    from hubbub.storage.folder import DATABASE, claim_folder

    with _explain("Can't restore"), claim_folder(settings.folder):
        missing = restore_files(file, settings.folder, _tell)
        kept = restore(file, settings.folder / DATABASE, time.time_ns() // 1_000_000, _tell)
    _tell_missing(missing)
    click.echo(f"The chat is what {file} has." + (f" What it was before is in {kept}." if kept else ""))


@cli.command("create-admin")
@click.argument("name")
@_choose_database
def create_admin_command(name: str, config: Path | None, **flags: object) -> None:
    """Make NAME an administrator of the chat, who signs in by a password.

    It is asked for, or read from the first line of what comes in.  Whose account it is already gets this
    password, and has to sign in anew.  The chat must not be running.
    """
    settings = _load(flags, config)
    from hubbub.app import StartError, create_administrator
    from hubbub.domain.errors import ChatError

    try:
        is_new = asyncio.run(create_administrator(settings, name, _ask_for_password()))
    except (StartError, ChatError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{name} is {'a new' if is_new else 'an'} administrator, who signs in by this password.")


def _ask_for_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@cli.command("new-epoch")
@_choose_database
def new_epoch_command(config: Path | None, **flags: object) -> None:
    """Let everybody load the chat anew, after its database was restored by other means.

    The chat must not be running.
    """
    settings = _load(flags, config)
    with _explain("Can't do it"):
        asyncio.run(_renew_epochs(settings))
    click.echo("Everybody loads the chat anew.")


async def _renew_epochs(settings: Settings) -> None:
    from hubbub.storage.engine import database_url, open_engines
    from hubbub.storage.failures import StorageUnusableError
    from hubbub.storage.folder import DATABASE, claim_folder
    from hubbub.storage.migrate import migrate
    from hubbub.storage.streams import renew_epochs

    file = settings.folder / DATABASE
    if settings.database is None and not file.exists():
        raise StorageUnusableError(f"there is no file {file}")
    with nullcontext() if settings.database else claim_folder(settings.folder):
        engines = open_engines(database_url(settings.database, file))
        try:
            await migrate(engines)
            async with engines.writing.begin() as connection:
                await connection.execute(renew_epochs(time.time_ns() // 1_000_000))
        finally:
            await engines.dispose()


def _tell_missing(missing: int) -> None:
    if missing:
        click.echo(f"hubbub: {missing} uploaded file(s) are missing, and aren't among them.", err=True)


def _refuse_postgresql(settings: Settings, advice: str) -> None:
    if settings.database is not None:
        raise click.ClickException(advice.format(place=settings.place))


@contextmanager
def _explain(what: str) -> Iterator[None]:
    from hubbub.storage.failures import StorageUnusableError

    try:
        yield
    except StorageUnusableError as error:
        raise click.ClickException(f"{what}: {error}.") from error


def _tell(what: str, done: float) -> None:
    """Show a person how far it is; a file or another program is told nothing."""
    if sys.stderr.isatty():
        click.echo(f"\r{what} {done:4.0%}", nl=done == 1, err=True)


def _load(flags: Mapping[str, object], config: Path | None) -> Settings:
    from hubbub.config import load

    return _configure(load, flags, config)


def _configure(
    read: Callable[[Mapping[str, object], Mapping[str, str], Path | None], T],
    flags: Mapping[str, object],
    config: Path | None,
) -> T:
    from hubbub.config import ConfigError

    try:
        return read(flags, os.environ, config)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


async def _serve(settings: Settings) -> None:
    from hubbub.app import StartError, run_chat
    from hubbub.endpoints.logs import start_logging

    start_logging(settings.log_format, settings.log_level)
    try:
        async with run_chat(settings) as address:
            _look_for_cycles_rarely()
            stopped = _catch_signals()
            click.echo(f"Open {address} (everything is kept in {settings.place}; Ctrl+C stops).")
            _tell_set_up(settings)
            await stopped.wait()
    except StartError as error:
        raise click.ClickException(str(error)) from error


def _tell_set_up(settings: Settings) -> None:
    """Say how the first administrator is made, where there is none; the code itself is for no log."""
    from hubbub.storage.setup_code import FILE, read_setup_code

    if read_setup_code(settings.folder) is not None:
        click.echo(
            "Nobody administers it yet: stop it and run hubbub create-admin NAME, or ask POST /v1/setup with "
            f"the code in {settings.folder / FILE}."
        )


def _look_for_cycles_rarely() -> None:
    """Go through fewer objects for the cycles among them, and less often.

    Each connection has hundreds that live as long as it does: where thousands came at once, going through all
    of them again and again took a third of the processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
