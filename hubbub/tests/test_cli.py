"""The command line, as a person meets it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hubbub import __version__
from hubbub.cli import main

PROGRAM = [sys.executable, "-m", "hubbub"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """Run the program here, and return its status, and what it said and complained of."""
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    said = capsys.readouterr()
    return exited.value.code or 0, said.out, said.err


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is one line."""
    assert run(capsys, "--version") == (0, f"hubbub {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"]])
def test_help_is_told(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """Each command says what it does."""
    status, out, err = run(capsys, *arguments)

    assert (status, err) == (0, "")
    assert "chat" in out


def test_no_command_is_helped(capsys: pytest.CaptureFixture[str]) -> None:
    """Who says nothing is told what there is to say."""
    status, out, _ = run(capsys)

    assert status == 2
    assert "serve" in out


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["serve", "--bogus"], "No such option"),
        (["bogus"], "No such command"),
        (["serve", "--port", "many"], "'many'"),
        (["serve", "--port", "70000"], "70000"),
        (["serve", "--public-url", "x"], "public_url"),
        (["serve", "--config", "/nowhere.toml"], "/nowhere.toml"),
    ],
)
def test_wrong_use_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """What can't be understood is told in a line, with where to look."""
    status, out, err = run(capsys, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith("hubbub: ")
    assert err.endswith("See hubbub --help.\n")
    assert err.count("\n") == 1
    assert said in err


def test_impossible_start_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What keeps the chat from starting is told in a line, without a traceback."""
    (tmp_path / "file").touch()

    status, out, err = run(capsys, "serve", "--port", "0", "--data", str(tmp_path / "file"))

    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("hubbub: Can't start:")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_it(tmp_path: Path, stop: signal.Signals) -> None:
    """It says where it is in one line, and a signal stops it without a complaint."""
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(stop)
    out, err = process.communicate()

    assert first.startswith("Open http://127.0.0.1:")
    assert str(tmp_path) in first
    assert (process.returncode, out, err) == (0, "", "")


def test_light_commands_import_little() -> None:
    """Nothing that takes long is imported just to tell the version."""
    program = "import sys, hubbub.cli; print({'sqlalchemy', 'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
