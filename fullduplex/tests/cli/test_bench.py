"""``fullduplex bench``: its figures, its ends, and whom it refuses to load."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest

from fullduplex.cli import bench
from fullduplex.cli.command import parse
from fullduplex.cli.complaints import Complaint
from fullduplex.cli.opening import target_of

from ..aio.ends import echo
from .commands import run, serving, start
from .screens import terminal

SHORT = ["--duration", "0.3", "--warm-up", "0.05"]


@pytest.mark.parametrize(
    "words, expected",
    [
        (
            ["--connections", "3", "--in-flight", "2"],
            {"connections": 3, "in_flight": 2, "type": "text", "size": 64},
        ),
        (
            ["--binary", "--size", "1000", "--compression"],
            {"connections": 10, "type": "binary", "size": 1000},
        ),
        (["--rate", "200"], {"rate": 200.0, "in_flight": 1000}),
    ],
)
async def test_figures_are_written(words: list[str], expected: dict[str, Any]) -> None:
    """With --json there is one object with the figures on the output, and nothing else."""
    offers: list[bool] = []

    async def note(connection: Any) -> None:
        offers.append("Sec-WebSocket-Extensions" in connection.request.headers)
        await echo(connection)

    async with serving(note) as url:
        status, output, complaints = await run("bench", url, *SHORT, *words, "--json")
    figures = json.loads(output)

    assert (status, complaints) == (0, "")
    assert set(offers) == {"--compression" in words}
    assert {name: figures[name] for name in expected} == expected
    assert figures["messages"] > 0
    assert figures["latency_ms"]["p50"] <= figures["latency_ms"]["p99"] <= figures["latency_ms"]["max"]
    assert (figures["interrupted"], figures["failure"]) == (False, None)


async def test_summary_is_for_people() -> None:
    """Without it there are words and plots; into a pipe, once, at the end."""
    async with serving(echo) as url:
        status, output, complaints = await run("bench", url, *SHORT)

    assert (status, complaints) == (0, "")
    assert output.startswith(f"{url}  done\n10 of 10 connections, 1 in flight each, 64 bytes of text\n")
    assert output.count("p99.9 ") == 1
    assert "\x1b" not in output


async def test_gone_reader_is_borne() -> None:
    """When nobody reads the figures any more, it ends quietly."""
    async with serving(echo) as url:
        process = await start("bench", url, *SHORT, "--json")
        process.stdout._transport.close()

        assert await process.wait() == 0
        assert await process.stderr.read() == b""
        process.stdin.close()


async def test_interrupt_ends_with_summary() -> None:
    """Ctrl-C ends it early, with what was measured, and 130."""
    begun = asyncio.Event()

    async def note(connection: Any) -> None:
        begun.set()
        await echo(connection)

    async with serving(note) as url:
        process = await start("bench", url, "--duration", "600", "--warm-up", "0", "--json", "--rate", "100")
        await begun.wait()
        process.send_signal(signal.SIGINT)
        output, complaints = await process.communicate()

    assert (process.returncode, complaints) == (130, b"")
    assert json.loads(output)["interrupted"] is True


async def test_other_servers_are_told() -> None:
    """A server that sends something else back is no echo server: that is said, with 3."""

    async def shout(connection: Any) -> None:
        async for message in connection:
            await connection.send(message.upper())

    async with serving(shout) as url:
        status, output, complaints = await run("bench", url, *SHORT, "--json")

    assert status == 3
    assert complaints == "fullduplex: what came back isn't what was sent: that is no echo server.\n"
    assert json.loads(output)["failure"].startswith("what came back")


async def test_lost_connections_are_told() -> None:
    """A server that closes ends it, with 3."""

    async def leave(connection: Any) -> None:
        await connection.recv()
        await connection.close(1013, "enough")

    async with serving(leave) as url:
        status, _, complaints = await run("bench", url, *SHORT, "--json")

    assert status == 3
    assert complaints.startswith("fullduplex: a connection was lost: received 1013 (try again later) enough")


async def test_refusals_are_told() -> None:
    """A server that refuses is told as by connect, with 1."""

    async def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(404, "no\n")

    async with serving(echo, process_request=refuse) as url:
        status, output, complaints = await run("bench", url)

    assert (status, output) == (1, "")
    assert complaints == (
        f"fullduplex: can't connect to {url}: server rejected the WebSocket connection: HTTP 404; "
        "check the path of the address.\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]"])
async def test_other_machines_are_spared(host: str) -> None:
    """Another machine isn't loaded before it was said that one may; the status is 2."""
    status, output, complaints = await run("bench", f"ws://{host}/")

    assert (status, output) == (2, "")
    assert complaints.endswith(
        "is another machine, and bench sends as much as it can: --remote says that you may.\n"
    )


async def test_other_machines_may_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --remote nobody asks where the server is."""

    async def refuse(uri: object) -> None:
        raise Complaint("not asked for")

    monkeypatch.setattr(bench, "_check_loopback", refuse)
    async with serving(echo) as url:
        options = parse(["bench", url, *SHORT, "--json"])
        with pytest.raises(Complaint, match="not asked for"):
            await bench.measure(target_of(options), options)
        options.remote = True
        try:
            assert await bench.measure(target_of(options), options) == 0
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().remove_signal_handler(number)


async def test_redirects_lead_nowhere_else() -> None:
    """A server on this machine can't send the load to another one."""

    async def elsewhere(connection: Any, request: Any) -> Any:
        response = connection.respond(302, "there\n")
        response.headers["Location"] = "ws://192.0.2.1/"
        return response

    async with serving(echo, process_request=elsewhere) as url:
        status, _, complaints = await run("bench", url)

    assert status == 1
    assert complaints.startswith(f"fullduplex: can't connect to {url}: ")


async def test_unknown_hosts_are_told() -> None:
    """A host that nobody knows is told so."""
    status, _, complaints = await run("bench", "ws://nobody.invalid/")

    assert status == 1
    assert complaints.startswith("fullduplex: can't connect to ws://nobody.invalid/: ")


HINT = "· plain lines: pip install 'fullduplex[cli]' brings a live view"


async def test_plain_terminals_get_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal where nothing can be drawn there is a line a second."""
    monkeypatch.setenv("TERM", "dumb")
    words = ["--duration", "1.2", "--warm-up", "0", "--rate", "50"]
    async with serving(echo) as url, terminal("bench", url, *words, rows=40) as (screen, process):
        assert await process.wait() == 0
        await screen.until(lambda: "p99.9" in "\n".join(screen.lines))

    assert any(line.startswith("measuring for 1.2 s: 10 connections, ") for line in screen.lines)
    assert HINT not in screen.lines


async def test_missing_view_is_told(without_extra: None) -> None:
    """Where only the extra lacks, it is named."""
    async with serving(echo) as url, terminal("bench", url, *SHORT, rows=40) as (screen, process):
        assert await process.wait() == 0
        await screen.until(lambda: "p99.9" in "\n".join(screen.lines))

    assert screen.lines[0] == HINT
