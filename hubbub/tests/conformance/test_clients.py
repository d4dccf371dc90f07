"""Our own clients keep the rules, whatever a network or a server does to them."""

from __future__ import annotations

import pytest

from .sdk_client import SdkClient
from .web_client import WebClient, build_engine

RULES = ("R2", "R4", "R5", "R10", "closing")


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """Build the web page's engine as a program, and return the command that runs it."""
    return build_engine(tmp_path_factory.mktemp("engine"))


async def failed(script, make, rule):
    """Return the scripts for a rule that a client fails, and what shows it."""
    findings = [it async for it in script("scripts").judge(make, [rule])]
    assert findings
    return {it.case.title: (it.why, *it.frames) for it in findings if it.verdict != "kept"}


@pytest.mark.parametrize("rule", RULES)
async def test_sdk_passes(script, rule) -> None:
    """The SDK passes every script."""
    assert await failed(script, SdkClient, rule) == {}


@pytest.mark.parametrize("rule", RULES)
async def test_web_engine_passes(script, engine, rule) -> None:
    """The engine of the web page passes every script."""
    assert await failed(script, lambda: WebClient(engine, script("scripted").OWN), rule) == {}


def test_every_script_is_played(script) -> None:
    """There is no script that they weren't tried on."""
    assert {rule for rule, _, _ in script("scripts").SCRIPTS} == set(RULES)
