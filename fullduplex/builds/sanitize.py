"""Test the library on a native build that watches its own memory.

    ./run sanitize                              what `./run matrix` runs for each build
    ./run sanitize fullduplex/tests/transport   other tests, or options of pytest
    ./run sanitize --fuzz 600                   instead, fuzz the engine for so many seconds

The native modules are compiled with AddressSanitizer and UndefinedBehaviorSanitizer, in a copy of the
checkout: without the sanitizers' library they can't even be imported.  Python gets all memory from malloc, so
that it is watched.  It exits with 1 if a test failed or a sanitizer had something to say, and prints that.

Leaks aren't looked for: an interpreter that ends leaves a lot behind, all of it in use until then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from matrix import tests_of_builds
from pythons import ROOT, Failed, call

FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
OPTIONS = [
    "--quiet",
    # What is said of a crash must not be said by Python.
    *("-p", "no:faulthandler", "-p", "no:cacheprovider"),
    # Watched code is slow, and what it has freed is kept for a while.
    *("-o", "timeout=120", "--deselect", "fullduplex/tests/cli/test_echo.py::test_stream_needs_no_memory"),
    *("--deselect", "fullduplex/tests/transport/test_engine.py::test_many_messages_are_given_back"),
]
NOT_COPIED = shutil.ignore_patterns(
    ".git",
    ".venv*",
    ".*cache",
    "*.so",
    "*.egg-info",
    "__pycache__",
    "_build",
    "build",
    "dist",
    "node_modules",
)


def main() -> int:
    """Compile, test and report; return the exit status."""
    arguments = sys.argv[1:] or list(map(str, tests_of_builds()))
    with tempfile.TemporaryDirectory() as temporary:
        copy, said = Path(temporary, "copy"), Path(temporary, "said")
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        said.mkdir()
        try:
            environment = build(copy, said)
        except Failed as failure:
            print(failure, file=sys.stderr)
            return 1
        if arguments[0] == "--fuzz":
            command = ["fullduplex/fuzz/run.py", *arguments[1:], "--target", "engine"]
        else:
            command = ["-m", "pytest", *OPTIONS, *arguments]
        status = subprocess.call([sys.executable, *command], cwd=copy, env=os.environ | environment)
        reports = sorted(said.iterdir())
        for report in reports:
            print(report.read_text("utf-8", errors="replace"), file=sys.stderr)
    print(f"The sanitizers had {len(reports) or 'nothing'} to report.")
    return 1 if status or reports else 0


def build(copy: Path, said: Path) -> dict[str, str]:
    """Compile the copy; return the environment in which its modules can be imported."""
    variables = {"FULLDUPLEX_NATIVE": "1", "CFLAGS": FLAGS, "LDFLAGS": FLAGS}
    call([sys.executable, "setup.py", "build_ext", "--inplace"], copy / "fullduplex", **variables)
    library = call(["gcc", "-print-file-name=libasan.so"]).strip()
    return {
        "CI": "1",
        "FULLDUPLEX_NATIVE": "1",
        "PYTHONPATH": f"{copy / 'fullduplex/src'}{os.pathsep}{copy / 'hubbub/src'}",
        "PYTHONMALLOC": "malloc",
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": f"detect_leaks=0:log_path={said}/address",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={said}/undefined",
    }


if __name__ == "__main__":
    sys.exit(main())
