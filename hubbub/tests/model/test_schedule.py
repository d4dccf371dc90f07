"""The protocol's rules, each of which is needed: the real sync engine against faults by chance."""

from __future__ import annotations

import pytest

from .rules import Rule
from .schedule import Run, violations

SEEDS = 240
CHUNKS = 8
"""So that each is far from the time that a test may take."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_kept_rules_suffice(chunk: int) -> None:
    """Whatever goes wrong, with every rule kept all is well in the end."""
    wrong = {seed: found[:3] for seed in range(chunk, SEEDS, CHUNKS) if (found := violations(seed))}

    assert wrong == {}


@pytest.mark.parametrize("removed", Rule)
def test_each_rule_is_needed(removed: Rule) -> None:
    """Without any one rule some run fails, and soon."""
    assert any(violations(seed, removed) for seed in range(150))


def test_seed_decides_all() -> None:
    """The same seed gives the same history, another one another."""
    assert Run(1).go() == Run(1).go()
    assert Run(1).go() != Run(2).go()
