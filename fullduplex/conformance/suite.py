"""Autobahn's test suite: how it is installed, which cases it has, how it is started.

The suite is a Python 2 program, and the one from its authors is used, not a port.  This module knows that,
and refuses to know what a case means or who is being tested.

Invariants:

1. Everything that it installs is inside `.cache`, which git ignores.
2. The stamp is written last: half an installation is made anew, never used.
3. The suite listens on the loopback interface only.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import venv
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
CONSTRAINTS = HERE / "constraints-py27.txt"
PYTHON = CACHE / "python2" / "bin" / "python"
STAMP = CACHE / "installed"

VERSION = "25.10.1"
SUITE = f"autobahntestsuite=={VERSION}"
# The last line of virtualenv that can seed a Python 2.7.
SEEDER = "virtualenv==20.21.1"

LIST_CASES = """
import json
from autobahntestsuite.case import CaseBasename, Cases
print(json.dumps([case.__name__[len(CaseBasename):].replace("_", ".") for case in Cases]))
"""

# Its own entry point would listen on every interface.
START = """
import functools
from autobahntestsuite import wstest
wstest.fuzzing.listenWS = functools.partial(wstest.fuzzing.listenWS, interface="127.0.0.1")
wstest.run()
"""

NO_PYTHON = """\
The conformance suite needs a Python 2.7, and none was found: NOTHING WAS TESTED.
Install one (`pyenv install 2.7.18`, or your system's python2.7), or name one: PYTHON27=/path/to/python2.7"""


class SuiteUnavailable(Exception):
    """The suite cannot be had on this machine; the message says what to do."""


class NoPython(SuiteUnavailable):
    """There is no Python 2.7."""


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold off other runs in the same checkout: they have the same folders for what they install and find."""
    folder = os.open(HERE, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another run of the conformance suite", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def install() -> None:
    """Install the suite unless it is there: once, about half a minute.

    Raises:
        NoPython: when there is no Python 2.7.
        SuiteUnavailable: when its packages cannot be installed.
    """
    wanted = hashlib.sha256(f"{SUITE} {SEEDER}\n".encode() + CONSTRAINTS.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    python = find_python()
    print(f"installing Autobahn's test suite for {python} (once, about half a minute)", flush=True)
    shutil.rmtree(CACHE, ignore_errors=True)
    venv.create(CACHE / "seeder", with_pip=True)
    seeder, environment_folder = CACHE / "seeder" / "bin" / "python", PYTHON.parent.parent
    _install_step(seeder, "-m", "pip", "install", "-q", SEEDER)
    _install_step(seeder, "-m", "virtualenv", "-q", "-p", python, environment_folder)
    _install_step(PYTHON, "-m", "pip", "install", "-q", "-c", CONSTRAINTS, SUITE)
    STAMP.write_text(wanted)


def _install_step(*command: str | Path) -> None:
    step = subprocess.run(command, stdout=PIPE, stderr=STDOUT, text=True, check=False, env=environment())
    if step.returncode:
        complaint = "\n".join(step.stdout.splitlines()[-10:])
        raise SuiteUnavailable(f"Autobahn's test suite could not be installed:\n{complaint}")


def find_python() -> Path:
    """Find a Python 2.7 that runs: `$PYTHON27`, the search path, then pyenv's.

    Raises:
        NoPython: when there is none.
    """
    for candidate in _candidates():
        executable = _executable_of(candidate)
        if executable is not None:
            return executable
    raise NoPython(NO_PYTHON)


def _candidates() -> Iterator[str]:
    if named := os.environ.get("PYTHON27"):
        yield named
    if found := shutil.which("python2.7"):
        yield found
    roots = [os.environ.get("PYENV_ROOT"), "~/.pyenv", "/root/.pyenv"]
    for root in dict.fromkeys(Path(root).expanduser() for root in roots if root):
        # Another user's home may be closed to us.
        if os.access(root / "versions", os.R_OK | os.X_OK):
            yield from (str(path) for path in sorted(root.glob("versions/2.7*/bin/python2.7"), reverse=True))


def _executable_of(candidate: str) -> Path | None:
    # A pyenv shim is on the path even where its version is not chosen, and a Python that was built without
    # OpenSSL or zlib can install nothing; only running it tells.
    question = "import ssl, sys, zlib; print(sys.executable if sys.version_info[:2] == (2, 7) else '')"
    try:
        answer = subprocess.run(
            [candidate, "-c", question], stdout=PIPE, stderr=DEVNULL, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    executable = answer.stdout.strip()
    return Path(executable) if answer.returncode == 0 and executable else None


def environment() -> dict[str, str]:
    """Return our environment without what would mislead a Python 2.7 or its pip."""
    misleading = {"PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}
    inherited = {name: value for name, value in os.environ.items() if name not in misleading}
    return inherited | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def all_cases() -> list[str]:
    """Return the ids of every case of the suite, in its own order."""
    listing = subprocess.run([PYTHON, "-c", LIST_CASES], stdout=PIPE, check=True, env=environment())
    cases: list[str] = json.loads(listing.stdout)
    return cases


def select_cases(cases: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Choose the cases that a pattern names, in the suite's order.

    `6` and `6.2` are whole groups; `12.*.1` is the first case of each set of group 12 and no other.
    (The suite's own globs are prefixes: there, `12.*.1` would also take 12.1.10 to 12.1.18.)

    Raises:
        ValueError: when a pattern names no case.
    """
    for pattern in patterns:
        if not any(_is_named(case, pattern) for case in cases):
            raise ValueError(f"no case is named by {pattern!r}")
    return [case for case in cases if any(_is_named(case, pattern) for pattern in patterns)]


def _is_named(case: str, pattern: str) -> bool:
    case_parts, pattern_parts = case.split("."), pattern.split(".")
    return len(pattern_parts) <= len(case_parts) and all(map(fnmatchcase, case_parts, pattern_parts))


def command(mode: str, specification: dict[str, Any], folder: Path) -> list[str]:
    """Return the command that starts the suite in `mode`, its specification written into `folder`."""
    path = folder / "specification.json"
    path.write_text(json.dumps(specification, indent=1))
    return [str(PYTHON), "-u", "-c", START, "-m", mode, "-s", str(path), "-u", "0"]
