"""How the chat is measured: that the programs work, and what becomes of figures; no times."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Script = Callable[[str], ModuleType]


@pytest.fixture
def outcome(script: Script) -> Callable[..., Any]:
    """Return what makes an outcome of values, the raw limit's, and a goal."""

    def make(values: list[float], raws: list[float], goal: Any = None, **more: Any) -> Any:
        made = script("outcomes").Outcome("posts", "posts/s", "bare writer", goal, **more)
        made.values, made.raws = values, raws
        return made

    return make


@pytest.fixture
def stores(script: Script) -> Iterator[Any]:
    """Return where databases come from."""
    stores = script("rows").Stores()
    yield stores
    stores.close()


# What becomes of figures


@pytest.mark.parametrize(
    "value, least, of_raw, said, verdict",
    [
        (5, True, None, "≥ 5", "met"),
        (5, False, None, "≤ 5", "**missed**"),
        (5, True, 0.5, "≥ 5 and 0.5 × raw", "**missed**"),
        (5, True, 0.25, "≥ 5 and 0.25 × raw", "met"),
        (7, True, 0.25, "≥ 7 and 0.25 × raw", "**missed**"),
    ],
)
def test_goals_are_judged(
    script: Script,
    outcome: Callable[..., Any],
    value: float,
    least: bool,
    of_raw: float | None,
    said: str,
    verdict: str,
) -> None:
    """A goal is met by the median of the rounds, and by that of their ratios if it is one as well."""
    goal = script("outcomes").Goal(value, least, of_raw)
    measured = outcome([6.0, 60.0, 1.0], [24.0, 240.0, 2.0], goal)

    assert (str(goal), measured.share, measured.verdict) == (said, 0.25, verdict)


def test_table_has_everything(script: Script, outcome: Callable[..., Any]) -> None:
    """The table has what came out, beside the goal and the raw limit, and what it cost."""
    outcomes = script("outcomes")
    measured = outcome([], [], outcomes.Goal(3_000, least=True), thing="a post")
    for value in (4_000.0, 5_000.0):
        measured.take(value, {"count": 10, "cpu": 0.002})
        measured.take_raw(2 * value, {"count": 10, "cpu": 2.0})
    bare = outcome([1.5], [])

    assert outcomes.outcome_table([measured, bare]).splitlines()[2:] == [
        "| posts | posts/s | 4,500 | 4,000 – 5,000 | ≥ 3,000 | met | 9,000 | 0.50 | 200 µs a post | 200 ms |",
        "| posts | posts/s | 1.50 | 1.50 – 1.50 |  |  |  |  |  |  |",
    ]


def test_nothing_done_costs_nothing(outcome: Callable[..., Any]) -> None:
    """A round in which nothing was done has no cost for each thing."""
    measured = outcome([], [], thing="a post")
    measured.take(0.0, {"count": 0, "cpu": 1.0})

    assert (measured.values, measured.cost) == ([0.0], [])


@pytest.mark.parametrize("seconds, written", [(5e-6, "5.00 µs"), (0.0125, "12.5 ms"), (2.5, "2.50 s")])
def test_durations_have_units(script: Script, seconds: float, written: str) -> None:
    """Durations are written with a unit that suits them."""
    assert script("outcomes").duration(seconds) == written


def test_failures_are_told(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that fails gives a sentence, and the others are measured all the same."""
    chat, failed = script("chat"), script("processes").Failed

    def fail(effort: Any, stores: Any) -> list[Any]:
        raise failed("Traceback\nIt did not start.")

    monkeypatch.setattr(chat, "ROWS", {"posts": fail, "idle": lambda effort, stores: ["measured"]})

    measured, failures = chat.measure(["posts", "idle"], script("rows").Effort())

    assert measured == ["measured"]
    assert script("outcomes").failures(failures) == ["No figures of posts: It did not start."]


def test_figures_are_drawn(script: Script, outcome: Callable[..., Any], tmp_path: Path) -> None:
    """Each theme has its plot, of figures with a raw limit and without."""
    drawn = script("drawing").draw_chat([outcome([6.0], [24.0]), outcome([6.0], [])], tmp_path)

    assert [path.name for path in drawn] == ["chat-light.svg", "chat-dark.svg"]
    assert all(path.stat().st_size for path in drawn)


def test_figures_are_written(
    script: Script, outcome: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page gets the table, what else is to be said, and the limits that were raised; and its plots."""
    chat, measured = script("chat"), [outcome([6.0], [24.0], notes=["in passing"])]
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nend\n", "utf-8")
    (tmp_path / "pictures").mkdir()
    monkeypatch.setattr(chat, "PAGE", page)

    chat.write(chat.report("Here.", measured, ()), measured)

    written = page.read_text("utf-8").splitlines()
    assert {"# Page", "Here.", "- posts: in passing", "end"} <= set(written)
    assert "```{image} pictures/chat-dark.svg" in written
    assert "old" not in written
    assert "`write_burst` 1,000,000,000" in page.read_text("utf-8")
    assert len([*(tmp_path / "pictures").iterdir()]) == 2


@pytest.mark.parametrize("less", [["--quick"], ["--less", "10"], ["--only", "posts"]])
def test_pages_get_all_or_nothing(
    script: Script, capsys: pytest.CaptureFixture[str], less: list[str]
) -> None:
    """A part of the figures, or smaller ones, isn't written where all of them belong."""
    with pytest.raises(SystemExit):
        script("chat").main([*less, "--write"])

    assert "--write is for all of it" in capsys.readouterr().err


def test_unknown_rows_are_refused(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that doesn't exist is refused, with those that do."""
    with pytest.raises(SystemExit):
        script("chat").main(["--only", "posts,nothing"])

    assert "there is no 'nothing'; there are: posts" in capsys.readouterr().err


def test_page_has_place(script: Script) -> None:
    """The page that the figures are written into has a place for them."""
    page = script("chat").PAGE.read_text("utf-8")

    assert page.count("<!-- figures: begin -->") == page.count("<!-- figures: end -->") == 1


# The town


@given(rooms=st.integers(1, 6), size=st.integers(1, 8), each=st.integers(1, 5))
def test_towns_are_even(script: Script, rooms: int, size: int, each: int) -> None:
    """Everyone is in as many rooms, each of another class, and every room has as many members."""
    town = script("town").Town(rooms * size, each, size)
    belonging = [town.rooms_of(person) for person in range(town.people)]

    assert all(len(set(of_one)) == each for of_one in belonging)
    assert Counter(Counter(room for of_one in belonging for room in of_one).values()) == {size: town.rooms}


def test_queries_are_told_apart(script: Script) -> None:
    """What is asked of streams isn't what is asked of who somebody is, and neither is a write."""
    purpose = script("counted").purpose

    assert {
        purpose("SELECT users.id \nFROM users JOIN sessions ON sessions.user = users.id"),
        purpose("SELECT streams.id FROM streams WHERE streams.id IN (SELECT room FROM memberships)"),
    } == {"token and memberships"}
    assert purpose("SELECT streams.head FROM streams WHERE streams.id = ?") == "streams"
    assert purpose("SELECT events.q FROM events") == "streams"
    assert purpose("INSERT INTO events (q) VALUES (?)") == "writes"
    assert purpose("PRAGMA busy_timeout = 5000") is None


# The programs


def effort(script: Script) -> Any:
    """Return an effort that takes a moment."""
    return script("rows").Effort(rounds=1, seconds=0.2, warm=0.05, less=500, hold=0.0)


@pytest.mark.parametrize(
    "row, count", [("posts", 2), ("big-room", 2), ("latency", 2), ("idle", 2), ("resume", 2), ("start", 2)]
)
def test_row_is_measured(
    script: Script, stores: Any, monkeypatch: pytest.MonkeyPatch, row: str, count: int
) -> None:
    """Each row gives its figures, and what they are beside."""
    monkeypatch.setattr(script("rows"), "TO_SETTLE", 0.1)
    measured = script("rows").ROWS[row](effort(script), stores)

    assert [len(one.values) for one in measured] == [1] * count
    assert all(one.verdict in {"", "met", "**missed**"} for one in measured)
    assert script("outcomes").outcome_table(measured).count("\n") == count + 1


@pytest.mark.usefixtures("postgresql_programs")
def test_postgresql_is_measured(script: Script, stores: Any) -> None:
    """PostgreSQL stores as much as it can, and so does its bare writer."""
    [measured] = script("rows").ROWS["postgresql"](effort(script), stores)

    assert min(*measured.values, *measured.raws) > 0


TABLES = {
    "streams": "id, head, counted",
    "events": "stream, q, kind, ts, author, nonce, body, size, body_hash",
    "messages": "stream, q, rev, ts, author, nonce, text, ord, said, replies",
    "memberships": 'room, "user", read, read_ord, mentions',
}


def test_bare_writer_stores_the_same(script: Script, stores: Any) -> None:
    """What the bare writer leaves is what the chat has left, but for the lobby."""
    hosts, town = script("hosts"), script("town").Town(6, 2, 3)
    source, target = stores.sqlite.new(town), stores.sqlite.new(town)
    with hosts.chat(source) as host:
        figures = hosts.load(host, town, "post", count=6, in_flight=3, seconds=0.1)

    raw = hosts.replay(source, target)

    assert raw["count"] >= figures["count"] > 0
    for table, columns in TABLES.items():
        key = columns.partition(",")[0]
        query = f"SELECT {columns} FROM {table} WHERE {key} != 'r_lobby' ORDER BY 1, 2"
        theirs, bare = (sqlite3.connect(place.driver).execute(query).fetchall() for place in (source, target))
        assert theirs == bare


LIAR = """
import sys
sys.path.insert(0, {folder!r})
import bare

post = bare.Bare.post

def lie(self, ws, request):
    {lie}

bare.Bare.post = lie
bare.asyncio.run(bare.main())
"""


@pytest.mark.parametrize(
    "lie, sentence",
    [
        ("post(self, ws, request); self.heads[request.s] -= 1", "event 1 came after 1"),
        ("self.heads[request.s] += 1; post(self, ws, request)", "event 2 came after 0"),
        ('ws.send(\'{"t":"err","code":"internal"}\')', "a client was told: _Bad"),
    ],
)
def test_load_finds_what_is_wrong(script: Script, tmp_path: Path, lie: str, sentence: str) -> None:
    """A server that doubles an event, skips one or refuses gives no figures."""
    hosts, town = script("hosts"), script("town").Town(2, 1, 2)
    program = tmp_path / "liar.py"
    program.write_text(LIAR.format(folder=str(hosts.HERE), lie=lie), "utf-8")
    with hosts.Host(program) as host, pytest.raises(script("processes").Failed, match=sentence):
        hosts.load(host, town, "deliver", count=2, seconds=0.2)
