"""The ``fullduplex`` command: its help, its version and its exit statuses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fullduplex import __version__, kernels
from fullduplex.cli import connect as connect_module
from fullduplex.cli import main
from fullduplex.cli.complaints import Complaint

from ..native import TRANSPORT


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    """Run the command in this process until it exits; return its status, output and complaints."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code, *capsys.readouterr()


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """The help has a line for each command, and something to paste."""
    status, output, _ = said(["--help"], capsys)

    assert status == 0
    for words in (
        "connect URL",
        "echo",
        "bench URL",
        "fullduplex connect ws://localhost:9998/",
        "COMMAND --help",
    ):
        assert words in output


def test_version_tells_what_it_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The version comes with the transport and the kernels."""
    status, output, _ = said(["--version"], capsys)

    assert status == 0
    kind = "native" if kernels.NATIVE else "pure Python"
    assert output.startswith(f"fullduplex {__version__} (transport: {TRANSPORT}; kernels: {kind}; CPython 3.")


@pytest.mark.parametrize(
    "words, problem",
    [
        (["echo", "--port", "x"], "x isn't a port; use a number from 0 to 65535"),
        (["echo", "--max-size", "1k"], "1k isn't a size; use a number of bytes, or none"),
        (["echo", "--face", "sad"], "invalid choice: 'sad'"),
        (["connect", "ws://x/", "--user", "a", "--bearer", "b"], "not allowed with argument"),
        (["connect", "ws://x/", "--whole", "--delimiter", "x"], "not allowed with argument"),
        (["connect", "ws://x/", "--binary", "--hex"], "not allowed with argument"),
        (["connect", "ws://x/", "--proxy", "http://x", "--no-proxy"], "not allowed with argument"),
        (
            ["connect", "ws://x/", "--bearr", "geheim"],
            "there is no option --bearr; --help lists what there is",
        ),
        (["bench", "ws://x/", "--rate", "0"], "0 isn't a positive number"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["connect"], "the following arguments are required: URL"),
        ([], "the following arguments are required: COMMAND"),
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_told(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong argument is told with what would be right; the status is 2."""
    status, output, complaints = said(words, capsys)

    assert (status, output) == (2, "")
    assert problem in complaints
    assert "geheim" not in complaints


@pytest.mark.parametrize(
    "error, status, sentence",
    [
        (Complaint("It is so.", 3), 3, "fullduplex: It is so.\n"),
        (KeyboardInterrupt(), 130, ""),
        (None, 0, ""),
    ],
)
def test_ends_become_statuses(
    error: BaseException | None,
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A complaint is a sentence and its status; Ctrl-C is 130, and says nothing."""

    def run(options: Any) -> int:
        if error is not None:
            raise error
        return 0

    monkeypatch.setattr(connect_module, "run", run)

    assert main(["connect", "ws://localhost/"]) == status
    assert capsys.readouterr().err == sentence


def test_help_comes_at_once() -> None:
    """Neither asyncio's faces nor an extra's packages are loaded for the help."""
    program = (
        "import sys\nfrom fullduplex.cli import main\n"
        "try:\n    main(['connect', '--help'])\nexcept SystemExit:\n    pass\n"
        "print({'fullduplex.aio', 'fullduplex.emitter', 'prompt_toolkit', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("set()\n")
