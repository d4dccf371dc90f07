"""The commands' options: their defaults, and help whose examples are true."""

from __future__ import annotations

import re
import shlex

import pytest

from fullduplex.cli.command import parse


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return a command's help."""
    with pytest.raises(SystemExit):
        parse([command, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["connect", "echo", "bench"])
def test_examples_are_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each example in the help is a command that is taken as it stands."""
    examples = re.findall(r"^  (.*\bfullduplex .*)$", help_of(command, capsys), re.MULTILINE)

    assert len(examples) >= 3
    for example in examples:
        words = shlex.split(example.rpartition("| ")[2].partition(" < ")[0])
        assert words[0] == "fullduplex"
        assert parse(words[1:]).command == words[1]


@pytest.mark.parametrize("command", ["connect", "echo", "bench"])
def test_help_fits_terminals(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help is no wider than 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    assert max(map(len, help_of(command, capsys).splitlines())) <= 80


def test_statuses_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """Both clients' help says what their exit statuses mean."""
    for command in ("connect", "bench"):
        statuses = help_of(command, capsys).rpartition("exit status:")[2]
        assert re.findall(r"(?<![\d-])(\d+)  \w", statuses) == ["0", "1", "2", "3", "130"]


def test_defaults_are_safe() -> None:
    """Nothing is trusted, shown or kept beyond the usual without being asked for."""
    options = parse(["connect", "ws://localhost/"])

    assert (options.insecure, options.max_size, options.timeout, options.show) == (False, 2**20, 10.0, 256)
    assert (options.form, options.delimiter, options.count, "wait" in options) == ("text", b"\n", None, False)
    bench = parse(["bench", "ws://localhost/"])
    assert (bench.remote, bench.connections, bench.duration, bench.warm_up) == (False, 10, 10.0, 1.0)


def test_repeatable_options_add_up() -> None:
    """Headers, subprotocols and cookies may be given several times, and keep their order."""
    words = ["-H", "A: 1", "--header", "B: 2", "--subprotocol", "a", "--subprotocol", "b", "--cookie", "x=1"]
    options = parse(["connect", "ws://localhost/", *words])

    assert options.header == [("A", "1"), ("B", "2")]
    assert (options.subprotocol, options.cookie) == (["a", "b"], ["x=1"])
