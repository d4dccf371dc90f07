"""The settings: what can be chosen, and where from.

Each comes from the first of these that has it: the command line, the environment (`HUBBUB_PORT` ...), a TOML
file, and the default here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, get_type_hints
from urllib.parse import urlsplit

import msgspec

from hubbub import wire
from hubbub.domain import policies

PREFIX: Final = "HUBBUB_"

_PUBLIC_URL: Final = re.compile(r"https?://[^/?#@\s]+/?")
_DATABASE: Final = re.compile(r"postgres(ql)?://\S+")


Network = IPv4Network | IPv6Network
Count = Annotated[int, msgspec.Meta(ge=1)]
PerSecond = Annotated[float, msgspec.Meta(gt=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class ConfigError(Exception):
    """A setting makes no sense; the message is a sentence for the person who runs the server."""


def _say(about: str) -> msgspec.Meta:
    return msgspec.Meta(description=about)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be chosen; what each means, its description says."""

    host: Annotated[
        str, _say("The address to listen on; `0.0.0.0` and `::` are every one of this machine.")
    ] = "127.0.0.1"
    port: Annotated[Port, _say("The port to listen on; 0 takes a free one.")] = 8000
    data: Annotated[
        str,
        _say(
            "The folder where everything is kept; unless chosen, `hubbub` in `$XDG_DATA_HOME`, or in "
            "`~/.local/share`."
        ),
    ] = ""
    database: Annotated[
        str | None,
        _say(
            "The address of a PostgreSQL database, like `postgresql://host/name`, if it isn't to be a file "
            "in the folder."
        ),
    ] = None
    public_url: Annotated[
        str | None,
        _say(
            "Where browsers find the server, like `https://chat.example`, if that is another address than "
            "the one that it listens on: behind a proxy that speaks HTTPS, or to go by a name that isn't "
            "this machine's own, it must be set."
        ),
    ] = None
    trusted_proxies: Annotated[
        str,
        _say(
            "Addresses and networks of proxies, with commas between them or as a list, whose word is taken "
            "on who asks and by which scheme (`X-Forwarded-For`, `X-Forwarded-Proto`). Behind any other "
            "proxy everyone has the proxy's address."
        ),
    ] = ""
    metrics_host: Annotated[str, _say("The address at which metrics are shown.")] = "127.0.0.1"
    metrics_port: Annotated[
        Port | None,
        _say(
            "The port at which `/metrics`, `/healthz` and `/readyz` are shown to those who run the server; "
            "without one, no metrics are."
        ),
    ] = None
    log_format: Annotated[Literal["text", "json"], _say("Lines for people, or an object of JSON a line.")] = (
        "text"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _say("The least that is worth a line: `debug`, `info`, `warning` or `error`."),
    ] = "warning"
    drain_delay: Annotated[
        float,
        msgspec.Meta(ge=0),
        _say(
            "Seconds for which a server that was told to stop goes on and `/readyz` says that it does, so "
            "that whoever sends people here can look elsewhere."
        ),
    ] = 0.0
    write_burst: Annotated[Count, _say("Writes that one connection may send at once.")] = wire.WRITE_BURST
    writes_per_second: Annotated[PerSecond, _say("Writes of one connection in a second, after that.")] = (
        wire.WRITES_PER_SECOND
    )
    user_write_burst: Annotated[Count, _say("Writes that one user may send at once.")] = (
        policies.USER_WRITE_BURST
    )
    user_writes_per_second: Annotated[PerSecond, _say("Writes of one user in a second, after that.")] = (
        policies.USER_WRITES_PER_SECOND
    )
    user_connections: Annotated[Count, _say("Connections that one user may have.")] = (
        policies.USER_CONNECTIONS
    )
    address_write_burst: Annotated[Count, _say("Writes that may come from one address at once.")] = (
        policies.ADDRESS_WRITE_BURST
    )
    address_writes_per_second: Annotated[
        PerSecond, _say("Writes from one address in a second, after that.")
    ] = policies.ADDRESS_WRITES_PER_SECOND
    address_connections: Annotated[Count, _say("Connections that one address may have.")] = (
        policies.ADDRESS_CONNECTIONS
    )
    file_bytes: Annotated[Count, _say("How many bytes a file may have that somebody sends.")] = (
        policies.FILE_BYTES
    )
    user_file_bytes: Annotated[Count, _say("How many bytes all files of one user may have together.")] = (
        policies.USER_FILE_BYTES
    )
    picture_pixels: Annotated[Count, _say("How many pixels a picture may have.")] = policies.PICTURE_PIXELS
    hello_burst: Annotated[Count, _say("Connections that may come from one address at once.")] = (
        policies.HELLO_BURST
    )
    hellos_per_second: Annotated[
        PerSecond, _say("Connections that may come from one address in a second, after that.")
    ] = policies.HELLOS_PER_SECOND

    @property
    def folder(self) -> Path:
        """The folder where everything is kept."""
        return Path(self.data).expanduser() if self.data else default_folder(os.environ)

    @property
    def proxies(self) -> list[Network]:
        """The networks of the proxies that are trusted.

        Raises:
            ValueError: for what is none.
        """
        return [ip_network(each.strip()) for each in self.trusted_proxies.split(",") if each.strip()]

    @property
    def place(self) -> str:
        """Where everything is kept, for people to read; it has no password."""
        if self.database is None:
            return str(self.folder)
        return _without_password(self.database)


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return where a user's programs keep their data, by the XDG convention."""
    base = environment.get("XDG_DATA_HOME", "")
    # The convention has relative paths ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "hubbub"


class Choice(NamedTuple):
    """What a setting is, and where that was said."""

    value: object
    where: str


DEFAULT: Final = "the default"


def load(flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Put the settings together.

    Raises:
        ConfigError: for a file that can't be read, a setting that doesn't exist, or a senseless value.
    """
    given = {name: choice.value for name, choice in _gather(flags, environment, file).items()}
    try:
        made = msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error))) from error
    _check(made)
    return made


def trace(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None
) -> dict[str, Choice]:
    """Return what each setting is and where that was said, without passwords.

    Raises:
        ConfigError: those of `load`.
    """
    made, given = load(flags, environment, file), _gather(flags, environment, file)
    shown = msgspec.structs.asdict(made)
    shown["data"] = str(made.folder)
    if made.database is not None:
        shown["database"] = _without_password(made.database)
    return {
        name: Choice(value, given[name].where if name in given else DEFAULT) for name, value in shown.items()
    }


def _gather(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None
) -> dict[str, Choice]:
    chosen = {
        name: Choice(value, f"--{name.replace('_', '-')}")
        for name, value in flags.items()
        if value is not None
    }
    said = {
        name: Choice(environment[key], key)
        for name in _names()
        if (key := PREFIX + name.upper()) in environment
    }
    return _read_file(file) | said | chosen


def _names() -> list[str]:
    return [field.name for field in msgspec.structs.fields(Settings)]


def _check(made: Settings) -> None:
    """Refuse what isn't what it should be, though it is of the right type."""
    if made.public_url is not None and not _PUBLIC_URL.fullmatch(made.public_url):
        raise ConfigError("The setting public_url makes no sense: it must be like https://chat.example.")
    if made.database is not None and not _DATABASE.fullmatch(made.database):
        raise ConfigError("The setting database makes no sense: it must be like postgresql://host/name.")
    try:
        _ = made.proxies
    except ValueError as error:
        raise ConfigError(
            "The setting trusted_proxies makes no sense: it must be like 127.0.0.1, 10.0.0.0/8."
        ) from error


def _explain(error: str) -> str:
    what, _, where = error.partition(" - at `$.")
    return f"The setting {where.rstrip('`')} makes no sense: {what}." if where else f"{what}."


def _read_file(file: Path | None) -> dict[str, Choice]:
    if file is None:
        return {}
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The settings in {file} can't be read: {error}.") from error
    for name in content.keys() - set(_names()):
        near = get_close_matches(name, _names(), 1)
        hint = f" Is it to be {near[0]}?" if near else ""
        raise ConfigError(f"There is no setting {name}, which {file} has.{hint}")
    return {
        name: Choice(", ".join(map(str, value)) if isinstance(value, list) else value, str(file))
        for name, value in content.items()
    }


def _without_password(url: str) -> str:
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"


PAGE: Final = Path("docs", "configuration.md")
_BEGIN, _END = "<!-- The settings: -->\n", "<!-- These were all. -->\n"


def describe() -> str:
    """Return a table of all settings, for the page on them."""
    lines = ["| setting | default | |", "|---|---|---|"]
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        [about] = (meta.description for meta in hint.__metadata__ if meta.description is not None)
        default = getattr(Settings(), name)
        shown = "–" if default is None or default == "" else f"`{default}`"
        lines.append(f"| `{name}` | {shown} | {about} |")
    return "\n".join(lines) + "\n"


def make_page(text: str) -> str:
    """Return the page on the settings with the table of those that there are."""
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    return f"{before}{_BEGIN}\n{describe()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(make_page(PAGE.read_text("utf-8")), "utf-8")
