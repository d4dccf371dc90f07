"""The suite says that our server keeps the rules, and sees each one that is broken."""

from __future__ import annotations

import pytest

from hubbub.realtime import session

# The way in which a rule is broken, and the rule that the suite has to name.
WAYS = {
    "renumber": "R1",
    "reorder": "R1",
    "forget-nonces": "R2",
    "overtake": "R2",
    "answer-first": "R3",
    "drop": "R4",
    "hide-heads": "R4",
    "shorten": "R5",
    "go-live-late": "R6",
    "stale": "R7",
    "leak": "R8",
    "any-epoch": "R9",
    "take-for-broken": "R10",
    "remember": "R11",
    "abridge": "frames",
    "take-anything": "limits",
    "tell-what-is-there": "errors",
    "close-silently": "closing",
}

PATIENT = ["hide-heads"]


@pytest.fixture
def hasty(monkeypatch):
    """Let a server wait less long, so that what waits for its time limits can be examined."""
    monkeypatch.setattr(session, "HEARTBEAT", 0.5)
    monkeypatch.setattr(session, "HEARTBEAT_GRACE", 1.0)
    monkeypatch.setattr(session, "HELLO_TIMEOUT", 0.5)


async def findings_of(script, address, way, *rules, patient=False):
    """Examine the chat at this address, broken in a way, by the cases that wait or the others."""
    examine, stage, ways = script("examine"), script("stage"), script("ways")
    cases = [case for case in examine.choose(rules) if case.patient == patient]
    async with script("breaker").breaking(address.replace("http", "ws", 1), ways.WAYS[way]()) as broken:
        house = stage.House(stage.websocket_address(broken), address)
        return [finding async for finding in examine.examine(house, cases)]


def broken_rules(findings):
    """Return the rules that were found broken, and why."""
    return {it.case.rule: (it.case.title, it.why) for it in findings if it.verdict == "BROKEN"}


async def test_our_server_keeps_every_rule(script, address) -> None:
    """Behind a proxy that changes nothing every rule is kept, and each was looked at."""
    findings = await findings_of(script, address, "nothing")

    assert broken_rules(findings) == {}
    kept = {it.case.rule for it in findings if it.verdict == "kept"}
    assert kept == set(script("rules").RULES)


@pytest.mark.usefixtures("hasty")
async def test_our_server_keeps_its_times(script, address) -> None:
    """What happens when time has passed is kept as well."""
    findings = await findings_of(script, address, "nothing", patient=True)

    assert broken_rules(findings) == {}
    assert {it.verdict for it in findings} == {"kept"}


@pytest.mark.parametrize("way", sorted(WAYS.keys() - PATIENT))
async def test_broken_rule_is_named(script, address, way, monkeypatch) -> None:
    """Whatever rule is broken, the suite finds it broken, and shows the frames."""
    monkeypatch.setattr(script("stage"), "PATIENCE", 1.0)

    findings = await findings_of(script, address, way, WAYS[way])

    assert WAYS[way] in broken_rules(findings)
    assert all(it.frames for it in findings if it.verdict == "BROKEN")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("way", PATIENT)
async def test_rule_broken_in_time_is_named(script, address, way) -> None:
    """A rule is found broken, too, that shows only when time has passed."""
    findings = await findings_of(script, address, way, WAYS[way], patient=True)

    assert WAYS[way] in broken_rules(findings)


def test_every_rule_is_broken_once(script) -> None:
    """There is a way to break each rule, and each way is tried."""
    ways = {name: way.rule for name, way in script("ways").WAYS.items() if way.rule}

    assert ways == WAYS
    assert set(ways.values()) == set(script("rules").RULES)


@pytest.mark.parametrize(
    "address,meant",
    [
        ("ws://chat.example", "ws://chat.example/v1/realtime"),
        ("http://localhost:8000/", "ws://localhost:8000/v1/realtime"),
        ("https://chat.example/other", "wss://chat.example/other"),
    ],
)
def test_browsers_address_will_do(script, address: str, meant: str) -> None:
    """A server is found by the address that is opened in a browser as well."""
    assert script("stage").websocket_address(address) == meant
