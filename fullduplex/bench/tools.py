"""What the engine's benchmark needs besides Python: compiled programs of ours, and others' packages.

It knows where they go and how they get there; what they do is not known here.  All of it is made again when
its sources change, and nothing is installed outside of the environment that runs this.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = HERE / "peers"
CONSTRAINTS = HERE / "constraints.txt"
#: Everything that is made lands here: in .venv, where `./run` started this.
MADE = Path(sys.prefix) / "bench"
PACKAGES = MADE / "packages"

FLAGS = ("-O2", "-Wall", "-Wextra")
TLS = ("-DWITH_TLS", "-lssl", "-lcrypto")
#: Debian's package of OpenSSL's headers, which is unpacked and not installed.
HEADERS = "libssl-dev"


class Missing(Exception):
    """Something isn't here and can't be had; the sentence says what to do."""


def run_quietly(command: Sequence[str | Path], sentence: str, cwd: Path = HERE) -> None:
    """Run a command that nobody sees unless it fails.

    Raises:
        Missing: with what it said, and the sentence given.
    """
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Missing(f"{error}\n{sentence}") from error
    if done.returncode:
        raise Missing(f"{(done.stdout + done.stderr).strip()}\n{sentence}")


def compiler() -> str:
    """Return the C compiler that CC names, or the machine's.

    Raises:
        Missing: if there is none.
    """
    found = shutil.which(os.environ.get("CC", "cc"))
    if found is None:
        raise Missing("There is no C compiler: install one (on Debian and Ubuntu: apt install gcc).")
    return found


def compiled(name: str, *flags: str) -> Path:
    """Compile a program of this folder, unless that is done; return its path.

    Raises:
        Missing: if that can't be done.
    """
    source = HERE / f"{name}.c"
    command = [compiler(), *FLAGS, str(source), *flags]
    mark = hashlib.sha256(source.read_bytes() + repr(command).encode()).hexdigest()[:16]
    program = MADE / f"{name}-{mark}"
    if not program.exists():
        MADE.mkdir(parents=True, exist_ok=True)
        # Whoever runs this at the same time must not find half a program.
        half = program.with_suffix(f".{os.getpid()}")
        run_quietly([*command, "-o", half], f"{source.name} could not be compiled: mend what is said above.")
        half.rename(program)
    return program


def load(*, tls: bool = False) -> Path:
    """Return the program that makes the load."""
    if not tls:
        return compiled("load")
    try:
        return compiled("load", *TLS)
    except Missing:
        return compiled("load", *unpacked_headers())


def unpacked_headers() -> list[str]:
    """Fetch OpenSSL's headers where they aren't installed; return the flags that find them.

    Raises:
        Missing: if apt can't.
    """
    folder = MADE / "unpacked"
    if not (folder / "usr").exists():
        sentence = (
            f"OpenSSL's headers are missing: install them (on Debian and Ubuntu: apt install {HEADERS})."
        )
        folder.mkdir(parents=True, exist_ok=True)
        run_quietly(["apt-get", "download", HEADERS], sentence, folder)
        for package in folder.glob("*.deb"):
            run_quietly(["dpkg", "-x", package, folder], sentence, folder)
    headers = [f"-I{each}" for each in (folder / "usr/include", *folder.glob("usr/include/*-linux-*"))]
    return ["-DWITH_TLS", *headers, "-l:libssl.so.3", "-l:libcrypto.so.3"]


def install_python_peers() -> None:
    """Install what constraints.txt pins, and nothing else, beside the environment's own packages.

    Raises:
        Missing: if pip can't.
    """
    mark = MADE / "packages-installed-from"
    wanted = f"{sys.version} {CONSTRAINTS.read_text('utf-8')}"
    if mark.exists() and mark.read_text("utf-8") == wanted:
        return
    print("Fetching the Python packages that the library is measured against.", file=sys.stderr, flush=True)
    shutil.rmtree(PACKAGES, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run_quietly(
        [*pip, "--no-deps", "--target", PACKAGES, "--requirement", CONSTRAINTS],
        "pip could not fetch its packages: check the network and pip's settings, then run this again.",
    )
    mark.write_text(wanted, "utf-8")


def node() -> str:
    """Return Node, after npm has installed ws and Bun beside the programs that they run.

    Raises:
        Missing: if there is no Node, or npm can't.
    """
    sys.path.insert(0, str(ROOT / "hubbub"))
    try:
        import hatch_build
    finally:
        sys.path.remove(str(ROOT / "hubbub"))
    found = hatch_build.find_node()
    if found is None:
        raise Missing(f"There is no Node: install it ({hatch_build.NODE_VERSIONS}) and npm.")
    try:
        hatch_build.install_packages(found, PEERS)
    except hatch_build.CommandFailed as failure:
        raise Missing(str(failure)) from failure
    return str(found.path)


def bun() -> str:
    """Return Bun, as npm has installed it.

    Raises:
        Missing: if there is none for this machine.
    """
    node()
    found = sorted(PEERS.glob("node_modules/@oven/*/bin/bun"))
    if not found:
        raise Missing("There is no Bun for this machine.")
    # Of two, the second one is for processors without AVX2, and has "-baseline" in its name.
    return str(found[0 if "avx2" in Path("/proc/cpuinfo").read_text("utf-8") else -1])


def certificate() -> Path:
    """Make a certificate for localhost, and return the file that has it and its key."""
    folder = ROOT / "fullduplex" / "tests" / "aio"
    sys.path.insert(0, str(folder))
    try:
        from certificate import make_certificate
    finally:
        sys.path.remove(str(folder))
    MADE.mkdir(parents=True, exist_ok=True)
    path: Path = make_certificate(MADE)
    return path
