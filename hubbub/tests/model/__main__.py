"""Run many schedules, and for each rule count how many fail without it: `python -m tests.model --help`."""

from __future__ import annotations

import argparse
import sys

from .rules import Rule
from .schedule import violations


def count(seeds: range, removed: Rule | None) -> tuple[int, dict[str, int]]:
    """Return how many runs fail, and how many of them by each invariant; tell of those that should not."""
    failed, invariants = 0, dict[str, int]()
    for seed in seeds:
        found = violations(seed, removed)
        failed += bool(found)
        for invariant in {each.invariant for each in found}:
            invariants[invariant] = invariants.get(invariant, 0) + 1
        if found and removed is None:
            print(f"seed {seed}: {found[0].invariant}: {found[0].what}", file=sys.stderr)
    return failed, invariants


def main() -> int:
    """Print the table; return 1 if a run fails though no rule is removed, or none does without one."""
    parser = argparse.ArgumentParser(prog="model", description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="with every rule (default: %(default)s)")
    parser.add_argument("--broken", type=int, default=150, help="without each (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    choices = parser.parse_args()
    print("| Without | Runs | Violating | Invariants |\n|---|---|---|---|")
    is_right = True
    for removed in (None, *Rule):
        runs = choices.runs if removed is None else choices.broken
        failed, invariants = count(range(choices.first, choices.first + runs), removed)
        which = ", ".join(f"{name} {times}" for name, times in sorted(invariants.items()))
        without = "nothing: every rule is kept" if removed is None else f"“{removed.value}”"
        print(f"| {without} | {runs} | {failed} | {which} |", flush=True)
        is_right &= (removed is None) == (not failed)
    return not is_right


if __name__ == "__main__":
    sys.exit(main())
