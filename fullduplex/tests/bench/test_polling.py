"""How the ways to tell news are measured, and what becomes of the figures; not how they compare."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def polling() -> ModuleType:
    """Import the script."""
    return importlib.import_module("polling")


def summary(way: str) -> dict[str, Any]:
    """Make figures of one way."""
    return {
        "way": way,
        "requests": 1600,
        "bytes_sent": 726_500,
        "bytes_received": 45_900,
        "server_seconds": 0.182,
        "delay_p50": 0.04,
        "delay_p99": 5.1,
        "delay_max": 12.5,
    }


@pytest.mark.parametrize("way", ["long polling", "server-sent events", "WebSocket"])
async def test_everybody_hears_all(polling: ModuleType, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Each client of each way hears each piece of news once, and what that took is counted."""
    monkeypatch.setattr(polling, "SLOWEST", 0)

    figures = await polling.measure(way, [0.0, 0.01, 0.05], clients=3)

    assert len(figures.delays) == 9
    assert figures.requests >= 3
    assert min(figures.sent, figures.received, figures.server_seconds, *figures.delays) > 0


async def test_who_asks_hears_all(polling: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks by the clock hears all as well, and asks more often than there is news."""
    monkeypatch.setattr(polling, "SLOWEST", 0)
    monkeypatch.setitem(polling.WAYS, "often", polling.short_poll(0.02))

    figures = await polling.measure("often", [0.0, 0.5], clients=2)

    assert len(figures.delays) == 4
    assert figures.requests > 4


def test_repeated_news_end_it(polling: ModuleType) -> None:
    """News that comes twice, or not in order, gives no figures."""
    client = polling.Client(8010, start=0, wanted=3)
    client.heard({"id": 1, "at": 0})

    for number in (1, 3):
        with pytest.raises(polling.WrongNews):
            client.heard({"id": number, "at": 0})


def test_moments_are_alike(polling: ModuleType) -> None:
    """A seed gives the same moments each time, all within the time that was asked for."""
    moments = polling.moments_of(1, 25, 2)

    assert moments == polling.moments_of(1, 25, 2) == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 25
    assert moments != polling.moments_of(2, 25, 2)


def test_table_has_units(polling: ModuleType) -> None:
    """The table says what each way took, with units that suit."""
    assert polling.table([summary("long polling")]).splitlines()[-1] == (
        "| long polling | 1,600 | 726,500 | 45,900 | 182 ms | 40 ms | 5,100 ms | 12.5 s |"
    )


def test_figures_go_into_page(polling: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The figures replace those that the page has, and the plots are drawn, alike each time."""
    page = tmp_path / "polling.md"
    page.write_text("above\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nbelow\n", "utf-8")
    monkeypatch.setattr(polling, "PAGE", page)
    ways = [summary("polling"), summary("WebSocket")]

    polling.write(ways, "Here and now.")
    plots = {path.name: path.read_bytes() for path in (tmp_path / "pictures").iterdir()}
    polling.write(ways, "Here and now.")

    begin, end = "above\n<!-- figures: begin -->\n\n", "\n\n<!-- figures: end -->\nbelow\n"
    assert page.read_text("utf-8") == f"{begin}{polling.table(ways)}\n\nHere and now.{end}"
    assert plots == {path.name: path.read_bytes() for path in (tmp_path / "pictures").iterdir()}
    assert sorted(plots) == ["polling-dark.svg", "polling-light.svg"]


def test_page_needs_place(polling: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A page that has no place for figures is left alone."""
    page = tmp_path / "polling.md"
    page.write_text("nothing here", "utf-8")
    monkeypatch.setattr(polling, "PAGE", page)

    with pytest.raises(ValueError, match="no place for the figures"):
        polling.write([summary("WebSocket")], "Here and now.")

    assert page.read_text("utf-8") == "nothing here"
