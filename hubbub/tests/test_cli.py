"""The command line, as a person meets it."""

from __future__ import annotations

import io
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hubbub import __version__
from hubbub.cli import _tell, main
from hubbub.storage.folder import DATABASE

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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["serve", "--help"],
        ["chat", "--help"],
        ["backup", "--help"],
        ["restore", "--help"],
        ["config", "show", "--help"],
        ["new-epoch", "--help"],
        ["create-admin", "--help"],
    ],
)
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
        (["chat"], "URL"),
        (["chat", "http://127.0.0.1:1", "--name", "Ann", "--login", "ann"], "Either"),
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


def test_settings_are_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it starts, one can look at what it would be started with, and where that was said."""
    file = tmp_path / "hubbub.toml"
    file.write_text('port = 80\ndatabase = "postgresql://ann:s3cret@db.example/chat"\n')
    monkeypatch.setenv("HUBBUB_CONFIG", str(file))
    monkeypatch.setenv("HUBBUB_LOG_LEVEL", "info")
    checked = run(capsys, "config", "check")
    status, out, _ = run(capsys, "config", "show")
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()}
    file.write_text("prot = 80")
    wrong = run(capsys, "config", "check")

    assert checked == (0, "The settings make sense.\n", "")
    assert status == 0
    assert lines["port"] == f"80  ({file})"
    assert lines["log_level"] == "info  (HUBBUB_LOG_LEVEL)"
    assert lines["metrics_port"] == "-  (the default)"
    assert lines["database"] == f"postgresql://db.example/chat  ({file})"
    assert wrong[0] == 2
    assert "Is it to be port?" in wrong[2]


def test_impossible_start_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What keeps the chat from starting is told in a line, without a traceback."""
    (tmp_path / "file").touch()

    status, out, err = run(capsys, "serve", "--port", "0", "--data", str(tmp_path / "file"))

    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("hubbub: Can't start:")


@contextmanager
def run_server(folder: str) -> Iterator[None]:
    """Run the chat in a process of its own."""
    arguments = [*PROGRAM, "serve", "--port", "0", "--data", folder]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Open ")
        yield
        process.terminate()


def read_epochs(file: Path) -> set[int]:
    """Return the epochs of a database."""
    with closing(sqlite3.connect(file)) as connection:
        return {epoch for (epoch,) in connection.execute("SELECT epoch FROM streams")}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_it(tmp_path: Path, stop: signal.Signals) -> None:
    """It says where it is, and who is wanted; a signal stops it without a complaint."""
    process = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0", "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first, second = process.stdout.readline(), process.stdout.readline()
    process.send_signal(stop)
    out, err = process.communicate()

    assert first.startswith("Open http://127.0.0.1:")
    assert str(tmp_path) in first
    assert second.startswith("Nobody administers it yet: ")
    assert (tmp_path / "setup-code").read_text().strip() not in second
    assert (process.returncode, out, err) == (0, "", "")


def test_backup_is_put_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What was backed up while the chat ran is put back when it doesn't."""
    folder, copy = str(tmp_path / "数据"), str(tmp_path / "备份.sqlite3")
    with run_server(folder):
        backed_up = run(capsys, "backup", copy, "--data", folder)
        refused = run(capsys, "restore", copy, "--data", folder)
        renewed = run(capsys, "new-epoch", "--data", folder)
    again = run(capsys, "backup", copy, "--data", folder)
    restored = run(capsys, "restore", copy, "--data", folder)

    assert backed_up == (0, f"{copy} has everything, and was verified.\n", "")
    assert refused[2] == f"hubbub: Can't restore: another hubbub is using the data folder {folder}.\n"
    assert renewed[0] == 1
    assert again == (1, "", f"hubbub: Can't back up: {copy} is there already.\n")
    assert restored[0] == 0
    assert restored[1].startswith(f"The chat is what {copy} has. What it was before is in {folder}/hubbub-")
    with run_server(folder):
        pass


def test_epoch_is_renewed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """After a restore by other means, every stream is given another epoch."""
    file = tmp_path / DATABASE
    without = run(capsys, "new-epoch", "--data", str(tmp_path))
    with run_server(str(tmp_path)):
        pass
    before = read_epochs(file)

    assert run(capsys, "new-epoch", "--data", str(tmp_path)) == (0, "Everybody loads the chat anew.\n", "")
    assert without == (1, "", f"hubbub: Can't do it: there is no file {file}.\n")
    assert len(before) == len(read_epochs(file)) == 1
    assert max(read_epochs(file)) > max(before)


def test_administrator_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The password comes from a pipe or a person; what can't be one is told, and a chat that runs as well."""
    folder = str(tmp_path)

    def create(said: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(said))
        return run(capsys, "create-admin", "boss", "--data", folder)

    assert create("short\n") == (1, "", "hubbub: A password has 8 to 256 characters.\n")
    said = "boss is {} administrator, who signs in by this password.\n"
    assert create("correct horse\n") == (0, said.format("a new"), "")
    assert create("battery staple\n") == (0, said.format("an"), "")
    with run_server(folder):
        running = create("correct horse\n")
        assert not (tmp_path / "setup-code").exists()
    assert running == (1, "", f"hubbub: Can't do it: another hubbub is using the data folder {folder}.\n")


@pytest.mark.parametrize("command,program", [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_postgresql_has_its_own(capsys: pytest.CaptureFixture[str], command: str, program: str) -> None:
    """Of PostgreSQL it is said what does it there, and no password."""
    status, out, err = run(capsys, command, "x", "--database", "postgresql://ann:s3cret@db.example/chat")

    assert (status, out) == (1, "")
    assert err.startswith("hubbub: postgresql://db.example/chat is PostgreSQL's: ")
    assert program in err
    assert "hubbub new-epoch" in err


def test_progress_is_for_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal shows how far it is, in one line for each thing that is done."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    for done in (0.0, 0.5, 1.0):
        _tell("Copying", done)

    assert capsys.readouterr().err == "\rCopying   0%\rCopying  50%\rCopying 100%\n"


def test_light_commands_import_little() -> None:
    """Nothing that takes long is imported just to tell the version."""
    program = "import sys, hubbub.cli; print({'sqlalchemy', 'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_chat_that_is_nowhere_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever calls a chat that isn't there is told so, in their language, before they are asked anything."""
    monkeypatch.setattr("hubbub.cli._is_terminal", lambda: True)
    status, out, err = run(capsys, "chat", "http://127.0.0.1:1", "--language", "zh")

    assert (status, out) == (1, "")
    assert err.startswith("hubbub: 连不上 http://127.0.0.1:1")


def test_chat_without_terminal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody can look and write, that is said."""
    status, _, err = run(capsys, "chat", "http://127.0.0.1:1")

    assert (status, err.count("needs a terminal")) == (1, 1)


def test_missing_terminal_client_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where what draws the terminal client isn't installed, one is told what to install."""
    monkeypatch.setitem(sys.modules, "textual", None)

    assert run(capsys, "chat", "http://127.0.0.1:1")[2] == (
        "hubbub: The terminal client isn't installed: pip install 'hubbub[terminal]'\n"
    )
