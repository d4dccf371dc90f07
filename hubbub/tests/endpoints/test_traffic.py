"""What is counted of requests, and by which name the log knows each."""

from __future__ import annotations

import logging

import pytest

from hubbub.endpoints.application import make_application
from hubbub.endpoints.health import Health
from hubbub.endpoints.names import Names
from hubbub.endpoints.traffic import HEADER, Traffic


@pytest.fixture
def traffic() -> Traffic:
    """Return what counts."""
    return Traffic()


@pytest.fixture
def application(database, traffic):
    """Make a small application that is counted."""
    return make_application([Health(database)], Names("chat.test", "machine", None), traffic=traffic)


async def test_requests_are_counted_by_pattern(program, traffic) -> None:
    """Whatever is asked for, there are no more labels than routes, methods and statuses."""
    await program.get("/healthz")
    await program.get("/healthz?token=s3cret")
    await program.get("/s3cret/7")
    await program.request("BREW", "/healthz")

    assert traffic.requests == {
        ("GET", "/healthz", 200): 2,
        ("GET", "none", 404): 1,
        ("other", "/healthz", 405): 1,
    }
    assert {pattern: spread.up_to()[-1] for pattern, spread in traffic.seconds.items()} == {
        "/healthz": 3,
        "none": 1,
    }
    assert traffic.refusals == {"not_found": 1, "unknown_op": 1}


async def test_refused_names_are_counted(program, traffic) -> None:
    """Who is turned away before any route is looked for counts as well."""
    await program.get("/healthz", headers={"Host": "evil.test"})

    assert traffic.requests == {("GET", "none", 403): 1}
    assert traffic.refusals == {"forbidden": 1}


async def test_mistakes_of_ours_are_counted(program, traffic, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails by no rule of the chat is an error of ours."""

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("hubbub.endpoints.health.answer", fail)
    await program.get("/healthz")

    assert traffic.requests == {("GET", "/healthz", 500): 1}


async def test_request_has_a_name(program, caplog: pytest.LogCaptureFixture) -> None:
    """Each answer says the name of its request, which nobody can choose; the log has pattern and status."""
    with caplog.at_level(logging.INFO, "hubbub"):
        names = [
            (await program.get("/readyz?s3cret=1", headers={HEADER: "mine"})).headers[HEADER]
            for _ in range(2)
        ]

    assert len({*names, "mine"}) == 3
    assert caplog.messages == ["GET /readyz 200"] * 2
