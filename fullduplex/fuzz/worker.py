"""Fuzz one target: `worker.py TARGET`, then libFuzzer's own arguments."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["fullduplex"]):
    import targets

name, *arguments = sys.argv[1:]
atheris.Setup([sys.argv[0], *arguments], targets.TARGETS[name])
atheris.Fuzz()
