"""Where one page is run: its folder, what a reader has there, and what has been started and not ended.

It doesn't know languages; ``running`` does.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

from playwright.async_api import Browser

from .browsing import Window
from .pages import ROOT
from .processes import Command, Interpreter, Output
from .standins import StandIns, is_listening

#: Seconds after which what does nothing of what makes it over has failed.
PATIENCE = 30.0

_NODE_MODULES = ROOT / "fullduplex" / "tests" / "interop" / "node_modules"
_EXAMPLES = ROOT / "fullduplex" / "examples"

# What a reader has where commands find it: files of the page's folder, and Python's arguments for each.
_COMMANDS = str(Path(__file__).with_name("commands.py"))
_INSTALLED = {
    ".bin/fullduplex": ["-m", "fullduplex"],
    ".bin/hubbub": ["-m", "hubbub"],
    ".bin/pip": [_COMMANDS, "pip"],
    ".bin/pytest": ["-m", "pytest", "-p", "no:cacheprovider"],
    ".bin/python": [],
    ".bin/uvicorn": ["-m", "uvicorn"],
    "run": [_COMMANDS, "run"],
}


def search_path() -> str:
    """Return where programs are looked for: beside NODE and Python too, and where nginx is at home."""
    folders = [Path(program).parent for program in (sys.executable, os.environ.get("NODE")) if program]
    return os.pathsep.join([*map(str, folders), os.environ["PATH"], "/usr/sbin"])


class Workplace:
    """The folder of a page, and what goes on in it."""

    def __init__(self, page: str, folder: Path, browser: Browser | None) -> None:
        self.folder = folder
        self.stand_ins = StandIns(page, folder)
        self.commands: list[Command] = []
        self.window: Window | None = None
        # The names of the page's own files that nothing has used yet.
        self.unused: set[str] = set()
        self._browser = browser
        self._interpreter: Interpreter | None = None
        # The ports that others listened on before what begins now, until somebody waits for it.
        self._taken: set[int] | None = None
        self._files: dict[str, str] = {}
        self._install()

    def _install(self) -> None:
        for name, arguments in _INSTALLED.items():
            self.write(name, f'#!/bin/sh\nexec {shlex.join([sys.executable, *arguments])} "$@"\n')
            (self.folder / name).chmod(0o755)
        for example in _EXAMPLES.rglob("*.*"):
            if example.suffix in {".py", ".html"}:
                text = self.stand_ins.replaced(example.read_text("utf-8"))
                self.write(example.relative_to(ROOT).as_posix(), text)
        (self.folder / "node_modules").symlink_to(_NODE_MODULES)

    def environment(self) -> dict[str, str]:
        """Return the environment of all that is started here."""
        return {
            **os.environ,
            **self.stand_ins.environment(),
            "HOME": str(self.folder),
            "NO_COLOR": "1",
            "PATH": f"{self.folder / '.bin'}{os.pathsep}{search_path()}",
            # What pytest-asyncio warns of if nobody says it.
            "PYTEST_ADDOPTS": "-o asyncio_default_fixture_loop_scope=function",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
        }

    # Files

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        self._files[name] = text
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")

    def with_files(self, text: str) -> str:
        """Return a text with the contents of the files that it names, or that these name, which it uses."""
        words = set(re.findall(r"[\w./-]+", text))
        words |= {f"{module}.py" for module in re.findall(r"\b(?:from|import|-m|uvicorn) (\w+)", text)}
        for name in words & self._files.keys():
            content = self._files.pop(name)
            text += self.with_files(content)
            self._files[name] = content
            self.unused.discard(name)
        return text

    # What goes on

    async def start(self, text: str, *, is_typed_into: bool = False) -> Command:
        """Start a command."""
        self._taken = await self._listening()
        command = await Command.start(text, self.folder, self.environment(), is_typed_into=is_typed_into)
        self.commands.append(command)
        return command

    async def command(self, text: str, expected: str | None = None) -> Command:
        """Start a command and wait until it is over."""
        command = await self.start(text)
        await self.over(command.output, self.with_files(text), expected)
        return command

    async def interpret(self, name: str, source: str, expected: str | None = None) -> None:
        """Run Python among the page's other Python."""
        if self._interpreter is None:
            self._interpreter = await Interpreter.start_for(self.folder, self.environment())
            self.commands.append(self._interpreter)
        self._taken = await self._listening()
        await self.over(self._interpreter.run(name, source), self.with_files(source), expected)

    async def open(self, address: str | None) -> Window:
        """Open an address in the browser, or an empty page, in the place of what is open there."""
        assert self._browser is not None, "this page was not known to need a browser"
        if self.window is not None:
            await self.window.close()
        self.window = await Window.open(self._browser, address)
        return self.window

    async def over(self, output: Output, source: str, expected: str | None) -> None:
        """Wait until what prints this output is over; see ``running``.

        ``source`` has the ports that it may listen on.
        """
        # What listens at once mustn't be taken for what listened before.
        taken, self._taken = await self._listening() if self._taken is None else self._taken, None
        ports = self.stand_ins.ports_in(source) - taken
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not await _is_over(output, ports, expected):
            if output.is_final or asyncio.get_running_loop().time() > deadline:
                state = "it has ended" if output.has_ended else "it doesn't end"
                shown = "" if expected is None else f"; the page shows\n{expected}"
                raise AssertionError(f"{state}, and what it printed is\n{output.text}{shown}")
            await asyncio.sleep(0.02)

    async def _listening(self) -> set[int]:
        """Return those of the page's ports on which somebody takes connections."""
        return {port for port in self.stand_ins.ports if await is_listening(port)}

    def look(self) -> None:
        """See that nothing went wrong in the background."""
        for command in self.commands:
            assert not command.trouble(), command.trouble()
        assert self.window is None or self.window.output.error is None, self.window.output.error

    async def end(self, command: Command) -> None:
        """End a command."""
        self.commands.remove(command)
        await command.end()

    async def stop(self) -> None:
        """End whatever goes on, and see that nothing went wrong even then."""
        if self.window is not None:
            await self.window.close()
        interpreter, self._interpreter, self.window = self._interpreter, None, None
        while self.commands:
            await self.end(self.commands[-1])
        assert interpreter is None or not interpreter.trouble(), interpreter.trouble()


async def _is_over(output: Output, ports: set[int], expected: str | None) -> bool:
    """Say whether a block is over that is awaited on these ports, or with this output."""
    if expected is not None and output.shows(expected):
        return True
    assert output.error is None, output.error
    if expected is not None:
        return False
    if ports and all([await is_listening(port) for port in ports]):
        return True
    return output.has_ended
