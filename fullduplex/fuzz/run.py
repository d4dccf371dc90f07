"""Fuzz what reads frames, handshakes and addresses, and the engine beside its definition, for some time.

    ./run fuzz 1200                 every target, 1200 seconds in all
    ./run fuzz 60 --target frames   one of them
    ./run fuzz --replay FILE        one input, with its traceback

What is learnt is kept in `.cache/corpus`, and the next run goes on with it.  It exits with 1 when something
was found; the input lies in `.cache/found/TARGET` then, and belongs into `cases/TARGET` once that is mended.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from seeds import WORDS, seeds
from targets import TARGETS

HERE = Path(__file__).resolve().parent
CACHE = HERE / ".cache"
CASES = HERE / "cases"
#: An input that takes longer is a finding.
SECONDS_FOR_ONE = 10
MEGABYTES = 1024
LONGEST = 8192


class Result(NamedTuple):
    """What fuzzing one target came to."""

    target: str
    executions: int
    per_second: int
    inputs: int
    found: list[Path]


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    options = read_options()
    if options.replay:
        target = TARGETS[options.replay.resolve().parent.name]
        target(options.replay.read_bytes())
        print("Nothing wrong with it.")
        return 0
    chosen = [options.target] if options.target else list(TARGETS)
    if "engine" in chosen and not importlib.util.find_spec("fullduplex.transport.engine"):
        print("NOT FUZZED: the engine, since it isn't compiled.", file=sys.stderr)
        chosen.remove("engine")
    results = [fuzz(target, max(1, options.seconds // len(chosen))) for target in chosen]
    return report(results)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Fuzz what reads frames, handshakes and addresses, and the engine."
    )
    parser.add_argument("seconds", type=int, nargs="?", default=60, help="for all targets together")
    parser.add_argument("--target", choices=list(TARGETS), help="fuzz only this")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="play one input, in a folder of its target's name"
    )
    return parser.parse_args()


def fuzz(target: str, seconds: int) -> Result:
    """Fuzz one target in a process of its own."""
    corpus, found, cases = CACHE / "corpus" / target, CACHE / "found" / target, CASES / target
    for folder in (corpus, found, cases):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    before = set(found.iterdir())
    print(f"{target}: {seconds} s", flush=True)
    command = [sys.executable, str(HERE / "worker.py"), target, *libfuzzer_options(seconds, found)]
    done = subprocess.run(
        [*command, str(corpus), str(cases)], capture_output=True, text=True, errors="replace", check=False
    )
    new = sorted(set(found.iterdir()) - before)
    if done.returncode:
        if not new:
            raise SystemExit(
                f"{done.stdout}{done.stderr}\nThe fuzzer itself failed: the lines above say why."
            )
        print(done.stdout + tail(done.stderr))
    return Result(
        target,
        statistic(done.stderr, "number_of_executed_units"),
        statistic(done.stderr, "average_exec_per_sec"),
        len(list(corpus.iterdir())),
        new,
    )


def libfuzzer_options(seconds: int, found: Path) -> list[str]:
    """Return libFuzzer's options, its dictionary among them."""
    words = CACHE / "words"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in WORDS), "ascii")
    options = {
        "max_total_time": seconds,
        "timeout": SECONDS_FOR_ONE,
        "rss_limit_mb": MEGABYTES,
        "max_len": LONGEST,
        "dict": words,
        "artifact_prefix": f"{found}{os.sep}",
        "print_final_stats": 1,
    }
    return [f"-{name}={value}" for name, value in options.items()]


def escaped(word: str) -> str:
    """Write a word as libFuzzer's dictionary wants it."""
    return "".join(one if one.isalnum() else f"\\x{ord(one):02x}" for one in word)


def tail(log: str) -> str:
    """Return what a log says from the first finding on."""
    at = log.find("===")
    return log[at:] if at >= 0 else log[-4000:]


def statistic(log: str, name: str) -> int:
    """Read one of the numbers that libFuzzer prints at its end."""
    match = re.search(rf"stat::{name}:\s*(\d+)", log)
    return int(match[1]) if match else 0


def report(results: list[Result]) -> int:
    """Print the figures, and where the findings are; return the exit status."""
    print(f"\n{'target':10}{'executions':>12}{'a second':>10}{'inputs kept':>13}{'found':>7}")
    for one in results:
        print(f"{one.target:10}{one.executions:12}{one.per_second:10}{one.inputs:13}{len(one.found):7}")
    found = [path for one in results for path in one.found]
    for path in found:
        print(f"\n{path.name}: {path.read_bytes()!r}")
        print(f"Play it again: ./run fuzz --replay {path}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
