"""Fuzz one target: `worker.py TARGET`, then libFuzzer's own arguments."""

from __future__ import annotations

import sys

import atheris

name, *arguments = sys.argv[1:]
with atheris.instrument_imports(include=["fullduplex"]):
    import targets

    # It may import more of the library.
    targets.TARGETS[name](b"")

atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
atheris.Fuzz()
