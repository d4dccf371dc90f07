"""Stands in for commands that would change this machine, or take minutes: says whether they would run.

`pip install` would, if it is of this repository's distributions, with extras that they have, or of what is
pinned in the constraints.  `./run` would, with the verbs that it has.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def can_install(requirement: str) -> bool:
    """Say whether there is such a distribution, with such extras."""
    found = re.fullmatch(r"([\w.-]+)(?:\[([\w,-]+)\])?", requirement)
    if found is None:
        return False
    name, extras = found[1].lower(), set(filter(None, (found[2] or "").split(",")))
    if name in ("fullduplex", "hubbub"):
        project = tomllib.loads((ROOT / name / "pyproject.toml").read_text("utf-8"))["project"]
        return extras <= set(project.get("optional-dependencies", {}))
    pinned = "".join((ROOT / file).read_text("utf-8") for file in ("constraints.txt", "constraints-dev.txt"))
    return re.search(rf"^{re.escape(name)}==", pinned, re.MULTILINE) is not None


def pip(verb: str, *requirements: str) -> str | None:
    """Return why `pip` with these arguments would fail, if it would."""
    if verb != "install":
        return f"pip {verb} is more than a page may tell a reader to run"
    lacking = [each for each in requirements if not each.startswith("-") and not can_install(each)]
    return f"there is nothing to install for {', '.join(lacking)}" if lacking else None


def run(verb: str = "serve", *arguments: str) -> str | None:
    """Return why `./run` with these arguments would fail, if it would."""
    told = subprocess.check_output([sys.executable, ROOT / "run", "--help"], text=True)
    verbs = re.findall(r"^  ([\w-]+) ", told, re.MULTILINE)
    return None if verb in verbs else f"./run has no verb {verb!r}"


if __name__ == "__main__":
    sys.exit({"pip": pip, "run": run}[sys.argv[1]](*sys.argv[2:]))
