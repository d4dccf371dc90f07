"""The scripted server finds no fault with a client that keeps the rules, and each of one that doesn't."""

from __future__ import annotations

import pytest

from .small_client import FLAWS, SmallClient


@pytest.fixture
def hasty(script, monkeypatch):
    """Let the server wait less long for what doesn't come: the client is in the same loop."""
    monkeypatch.setattr(script("scripted"), "PATIENCE", 0.5)
    monkeypatch.setattr(script("scripts"), "PATIENCE", 0.5)
    monkeypatch.setattr(script("scripts"), "ALONE", 0.5)


async def broken_rules(script, flaw, *rules):
    """Return the rules that a client with this flaw was found to break, and why."""
    findings = [it async for it in script("scripts").judge(lambda: SmallClient(flaw), rules)]
    assert findings
    return {it.case.rule: (it.case.title, it.why) for it in findings if it.verdict == "BROKEN"}


async def test_good_client_passes(script) -> None:
    """A client that keeps the rules passes every script."""
    assert await broken_rules(script, "") == {}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("flaw", FLAWS)
async def test_flaw_is_found(script, flaw) -> None:
    """Whatever a client does wrong, a script for that rule finds it."""
    assert FLAWS[flaw] in await broken_rules(script, flaw, FLAWS[flaw])
