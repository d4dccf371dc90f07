"""The settings: what can be chosen, and where from.

Each comes from the first of these that has it: the command line, the environment (`HUBBUB_PORT` ...), a TOML
file, and the default here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final
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


class ConfigError(Exception):
    """A setting makes no sense; the message is a sentence for the person who runs the server."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be chosen.

    `data` is the folder where everything is kept.  `public_url` is where browsers find the server, if that is
    another address than the one it listens on: behind a proxy that speaks HTTPS, or to go by a name that
    isn't this machine's own, it must be set.  `database` is PostgreSQL's, if it isn't to be a file in the
    folder.

    `trusted_proxies` are addresses and networks, with commas between them, whose word is taken on who asks
    and by which scheme (`X-Forwarded-For`, `X-Forwarded-Proto`).  Behind any other proxy everyone has the
    proxy's address.

    `file_bytes` is how large a file may be that somebody sends, `user_file_bytes` how large all of theirs
    together, and `picture_pixels` how many pixels a picture may have.

    The others limit what one connection, one user and one address may do.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8000
    data: str = ""
    public_url: str | None = None
    database: str | None = None
    trusted_proxies: str = ""
    write_burst: Count = wire.WRITE_BURST
    writes_per_second: PerSecond = wire.WRITES_PER_SECOND
    user_write_burst: Count = policies.USER_WRITE_BURST
    user_writes_per_second: PerSecond = policies.USER_WRITES_PER_SECOND
    user_connections: Count = policies.USER_CONNECTIONS
    address_write_burst: Count = policies.ADDRESS_WRITE_BURST
    address_writes_per_second: PerSecond = policies.ADDRESS_WRITES_PER_SECOND
    address_connections: Count = policies.ADDRESS_CONNECTIONS
    file_bytes: Count = policies.FILE_BYTES
    user_file_bytes: Count = policies.USER_FILE_BYTES
    picture_pixels: Count = policies.PICTURE_PIXELS
    hello_burst: Count = policies.HELLO_BURST
    hellos_per_second: PerSecond = policies.HELLOS_PER_SECOND

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
        address = urlsplit(self.database)
        return f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return where a user's programs keep their data, by the XDG convention."""
    base = environment.get("XDG_DATA_HOME", "")
    # The convention has relative paths ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "hubbub"


def load(flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Put the settings together.

    Raises:
        ConfigError: for a file that can't be read, a setting that doesn't exist, or a senseless value.
    """
    chosen = {name: value for name, value in flags.items() if value is not None}
    settings = _read_file(file) | _read_environment(environment) | chosen
    try:
        made = msgspec.convert(settings, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error))) from error
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
    return made


def _explain(error: str) -> str:
    what, _, where = error.partition(" - at `$.")
    return f"The setting {where.rstrip('`')} makes no sense: {what}." if where else f"{what}."


def _read_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The settings in {file} can't be read: {error}.") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = (field.name for field in msgspec.structs.fields(Settings))
    return {name: environment[key] for name in names if (key := PREFIX + name.upper()) in environment}
