"""How the engine is measured beside others: that the programs work, and what becomes of figures; no times."""

import json
import random
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Script = Callable[[str], ModuleType]

NAMES = {
    "c": "C",
    "event": "fullduplex, event face",
    "aio": "fullduplex, asyncio face",
    "bun": "Bun",
    "ws": "ws",
}


@pytest.fixture
def figures(script: Script) -> ModuleType:
    """Import what makes tables."""
    return script("figures")


def row(
    figures: ModuleType, samples: dict[str, list[float]], goals: tuple[Any, ...] = (), **more: Any
) -> Any:
    """Make a table's row of figures."""
    return figures.Row(
        "echo", "µs", samples, goals, more.get("extras", {}), more.get("failures", {}), "echo-1"
    )


def short_effort(script: Script, *peers: str) -> Any:
    """Return an effort that takes a moment."""
    effort = script("turns").Effort
    return effort(rounds=1, seconds=0.05, warm=0, hot=0, less=500, peers=peers)


# What becomes of figures


def test_ratio_is_of_rounds(figures: ModuleType) -> None:
    """The ratio is the median of what each round has, so that a slow round counts once."""
    assert figures.ratio([2, 30, 4], [1, 10, 4]) == 2
    assert figures.ratio([2], []) is None
    assert figures.ratio([2, 6], [0, 3]) == 2


@pytest.mark.parametrize(
    "value, written",
    [(None, "–"), (0.123, "0.12"), (9.876, "9.88"), (12.34, "12.3"), (1234.5, "1,234"), (-0.5, "-0.50")],
)
def test_numbers_are_short(figures: ModuleType, value: float | None, written: str) -> None:
    """Numbers have the digits that mean something."""
    assert figures.short(value) == written


def test_goals_are_judged(figures: ModuleType) -> None:
    """A goal is met or missed, against one, against the best of several, or by itself."""
    goals = (
        figures.Goal("event", 1.4, "c"),
        figures.Goal("event", 1, ("bun", "ws")),
        figures.Goal("event", 1000),
        figures.Goal("event", 1, "aio"),
    )
    measured = row(figures, {"event": [14.0], "c": [10.0], "bun": [7.0], "ws": [28.0]}, goals)

    assert figures.goal_table([measured], NAMES).splitlines()[2:] == [
        "| echo | fullduplex, event face ≤ 1.4 × C | 1.40 | met |",
        "| echo | fullduplex, event face ≤ each of the others | 2.00 (Bun) | **missed** |",
        "| echo | fullduplex, event face ≤ 1,000 µs | 14.0 | met |",
    ]


def test_table_begins_with_cheapest(figures: ModuleType) -> None:
    """The table has the servers from the cheapest on, with how many times that ours take."""
    measured = row(
        figures,
        {"ws": [20.0], "event": [10.0], "c": [5.0], "bun": []},
        extras={"bytes": {"ws": "7"}},
        failures={"bun": "Traceback\nIt did not start."},
    )

    assert figures.row_table(measured, NAMES).splitlines() == [
        "|  | µs | × C | event face ÷ it | bytes |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| C | 5.00 | 1.00 | 2.00 | – |",
        "| **fullduplex, event face** | 10.0 | 2.00 | – | – |",
        "| ws | 20.0 | 4.00 | 0.50 | 7 |",
    ]
    assert figures.failures(measured, NAMES) == ["No figures of Bun: It did not start."]


def test_figures_are_drawn(script: Script, figures: ModuleType, tmp_path: Path) -> None:
    """Each theme has its plot, which is the same for the same figures."""
    measured = row(figures, {"event": [10.0], "ws": [20.0], "aio": []})

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        script("plots").draw_engine([measured, measured], NAMES, tmp_path / folder)

    drawn = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert sorted(drawn) == ["engine-dark.svg", "engine-light.svg"]
    assert drawn == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}


def test_who_fails_is_out(script: Script) -> None:
    """A server that fails isn't asked again, and the others are asked in turns."""
    turns, asked = script("turns"), []
    table = turns.Turns("echo", "µs", [], ["event", "ws"])

    def ask(name: str, warm: float, seconds: float) -> float:
        asked.append(name)
        if name == "ws" and len(asked) > 3:
            raise script("processes").Failed("It was cut.")
        return 1.0

    table.run(turns.Effort(rounds=3), ask)

    assert asked == ["event", "ws", "event", "ws", "event", "event"]
    assert (table.samples, table.failures) == ({"event": [1, 1, 1], "ws": []}, {"ws": "It was cut."})


@pytest.mark.parametrize(
    "typed, name, arguments",
    [
        ([], "engine", []),
        (["--write"], "engine", ["--write"]),
        (["engine", "--quick"], "engine", ["--quick"]),
        (["polling", "--json"], "polling", ["--json"]),
    ],
)
def test_benchmark_is_chosen(
    script: Script, monkeypatch: pytest.MonkeyPatch, typed: list[str], name: str, arguments: list[str]
) -> None:
    """What is named is run, with the arguments after it; without a name it is the engine."""
    run, ran = script("run"), []
    monkeypatch.setattr(sys, "argv", ["run.py", *typed])
    monkeypatch.setattr(script(name), "main", lambda given: ran.append(given) or 0)

    assert run.main() == 0
    assert ran == [arguments]


def test_unknown_names_are_refused(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that doesn't exist is refused, with those that do."""
    with pytest.raises(SystemExit):
        script("engine").main(["--only", "echo-1,nothing"])

    assert "there is no 'nothing'; there are: echo-1" in capsys.readouterr().err


def test_pages_get_all_or_nothing(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    """A part of the figures isn't written where all of them belong."""
    with pytest.raises(SystemExit):
        script("engine").main(["--only", "echo-1", "--write"])

    assert "--write is for all of it" in capsys.readouterr().err


def test_every_server_is_known(script: Script) -> None:
    """Workloads and goals name servers that there are, and servers name programs that there are."""
    servers, tools = script("servers").SERVERS, script("tools")
    for workload in script("workloads").WORKLOADS.values():
        for goal in workload.goals:
            others = goal.against if isinstance(goal.against, tuple) else (goal.against or goal.subject,)
            assert {goal.subject, *others} <= set(workload.peers)
        assert set(workload.peers) <= set(servers)

    assert all((tools.PEERS / each.program).exists() for each in servers.values() if each.program != "limit")


# Compressed messages


def read_frames(file: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the payloads that are sent once, and those that are sent over and over."""
    once, again = struct.unpack_from("<2I", file)
    sizes = struct.unpack_from(f"<{once + again}I", file, 8)
    at, payloads = 8 + 4 * len(sizes), []
    for size in sizes:
        payloads.append(file[at : at + size])
        at += size
    assert at == len(file)
    return payloads[:once], payloads[once:]


@pytest.mark.parametrize("takeover", [True, False])
def test_frames_can_be_repeated(script: Script, takeover: bool) -> None:
    """The second half of a file of frames inflates to the messages as often as it is sent."""
    deflated = script("deflated")
    contents = deflated.messages(200, 40)
    once, again = read_frames(deflated.frames(contents, takeover=takeover))
    inflate = zlib.decompressobj(-deflated.BITS)

    for payloads in (once, again, again, again):
        assert [inflate.decompress(payload + deflated.TAIL) for payload in payloads] == contents


def test_messages_are_json(script: Script) -> None:
    """Messages are JSON of the size that was asked for, none like the other."""
    messages = script("deflated").messages(200, 40)

    assert {len(message) for message in messages} == {200}
    assert len({json.loads(message)["text"] for message in messages}) == 40


def dumped(payload: bytes, *, is_compressed: bool = True) -> bytes:
    """Return a message as the load keeps it."""
    return struct.pack("<BI", is_compressed, len(payload)) + payload


def test_what_comes_back_is_checked(script: Script) -> None:
    """What comes back must inflate to what was sent, in its order, whether compressed or not."""
    deflated = script("deflated")
    contents = deflated.messages(200, 2)
    once, again = read_frames(deflated.frames(contents, takeover=True))
    inflating = deflated.Inflating(contents, deflated.BITS)

    assert inflating.check(dumped(once[0]) + dumped(once[1])) == 2
    assert inflating.check(dumped(again[0]) + dumped(contents[1], is_compressed=False)) == 1
    with pytest.raises(deflated.Wrong, match="Message 4 came back as something else"):
        inflating.check(dumped(contents[1], is_compressed=False))


def test_window_is_checked(script: Script) -> None:
    """What needs a larger window than was agreed on is wrong."""
    deflated = script("deflated")
    contents = [random.randbytes(300), random.randbytes(2000)]
    deflate = zlib.compressobj(-1, zlib.DEFLATED, -15)
    payloads = [
        deflate.compress(each) + deflate.flush(zlib.Z_SYNC_FLUSH) for each in [*contents, contents[0]]
    ]
    dump = b"".join(dumped(payload.removesuffix(deflated.TAIL)) for payload in payloads)

    assert deflated.Inflating(contents, 15).check(dump) == 3
    with pytest.raises(deflated.Wrong, match="Message 2 isn't for the window agreed on"):
        deflated.Inflating(contents, 9).check(dump)


@pytest.mark.parametrize(
    "agreed, bits",
    [
        ("permessage-deflate", 15),
        ("permessage-deflate; server_max_window_bits=12", 12),
    ],
)
def test_window_is_read(script: Script, agreed: str, bits: int) -> None:
    """The server's window is what it has agreed on, or the largest."""
    assert script("deflated").window(agreed) == bits


# The programs


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    "workload, peers",
    [
        ("echo-1", ("c", "event", "aio")),
        ("echo-1m", ("c", "event", "aio")),
        ("deflate-200", ("event", "aio")),
        ("broadcast", ("c", "event", "event-deflate", "aio")),
        ("client", ("client-event", "client-aio", "client-browser")),
        ("handshake", ("event",)),
        ("flood", ("aio",)),
    ],
)
def test_workload_is_measured(script: Script, workload: str, peers: tuple[str, ...]) -> None:
    """Each workload runs against our faces and the limit in C, and gives a figure for each."""
    [measured] = script("workloads").run(workload, short_effort(script, *peers))

    assert measured.failures == {}
    assert {name: len(samples) for name, samples in measured.samples.items()} == dict.fromkeys(peers, 1)
    assert min(value for [value] in measured.samples.values()) > 0


@pytest.mark.usefixtures("compiler")
def test_idle_connections_are_measured(script: Script) -> None:
    """Connections that are idle give tables of their memory, their opening and the loop's timer."""
    rows = script("workloads").run("idle", short_effort(script, "event")._replace(less=250))

    assert [(row.failures, len(row.samples["event"])) for row in rows] == [({}, 1)] * 4


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("compiler", [True], indirect=True)
def test_load_works_with_tls(script: Script) -> None:
    """The load speaks TLS."""
    [measured] = script("workloads").run("tls", short_effort(script, "aio"))

    assert (measured.failures, len(measured.samples["aio"])) == ({}, 1)


@pytest.mark.usefixtures("compiler")
def test_load_tells_what_is_wrong(script: Script) -> None:
    """A server that isn't one gives no figures, but a sentence."""
    servers = script("servers")
    task = {"limit": ["relay", "70", "66"]}
    server = servers.Running(servers.SERVERS["c"], task)
    stranger = server.server._replace(program="websocket")
    try:
        server.server = stranger
        load = servers.Load(server)
        with pytest.raises(
            script("processes").Failed, match="the opening handshake was answered with: GET / HTTP"
        ):
            load.tell("open", 1)
        load.end()
    finally:
        server.end()


@pytest.mark.usefixtures("compiler")
def test_load_counts_what_it_did(script: Script) -> None:
    """The load counts what it was asked for."""
    turns = script("turns")
    pair = turns.Pair("event", {"does": "echo"})
    try:
        assert pair.load.tell("open", 3)["count"] == 3
        assert pair.load.tell("ping")["count"] == 3
        assert pair.load.tell("each", 70_000)["count"] == 3
        assert pair.load.tell("echo", "text", 2, 200, 0, 0.05)["count"] > 0
    finally:
        pair.end()


LIAR = """
import socket, common
from fullduplex import serve

async def answer(connection):
    async for message in connection:
        await connection.send(%s)

async def start(task, sock):
    return await serve(answer, sock=sock, compression=None)

common.run(start)
"""


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    "said, sentence",
    [
        ("message[:-1] + b'?'", "what came back isn't what was sent"),
        ("message[:-1]", "9 bytes came back in place of 10"),
        ("message + b'?'", "what came back isn't what was sent"),
        ("message.decode()", "opcode 1 came back in place of 2"),
    ],
)
def test_wrong_answers_end_it(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, sentence: str
) -> None:
    """A server that answers something else gives no figures."""
    servers, turns = script("servers"), script("turns")
    program = tmp_path / "liar.py"
    program.write_text(LIAR % said, "utf-8")
    path = {"PYTHONPATH": f"{servers.SERVERS['aio'].variables()['PYTHONPATH']}:{servers.tools.PEERS}"}
    monkeypatch.setitem(servers.SERVERS, "liar", servers.Server("liar", str(program), environment=path))
    pair = turns.Pair("liar", {})
    try:
        pair.load.tell("open", 1)
        with pytest.raises(script("processes").Failed, match=sentence):
            pair.load.tell("each", 10)
    finally:
        pair.end()


@pytest.mark.usefixtures("compiler")
def test_unasked_messages_end_it(script: Script) -> None:
    """A server that sends more than it should gives no figures."""
    pair = script("turns").Pair("event", {"does": "broadcast"})

    def send_often() -> None:
        pair.load.tell("open", 2)
        for _ in range(3):
            pair.load.tell("each", 10)

    try:
        with pytest.raises(script("processes").Failed, match="a message came that nobody has sent"):
            send_often()
    finally:
        pair.end()
