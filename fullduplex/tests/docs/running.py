"""Runs the blocks of a page, in their order, each in the way of its language.

Python shares a namespace, a loop and a process, as in ``python -m asyncio``; what calls ``run()`` itself is a
program of its own.  A block whose first line names a file is written to it, for others to use.  In a console,
``$`` begins a command, ``>`` what is typed into it, and ``^C`` is Ctrl-C; other lines are what it prints.
JavaScript that imports is for Node, other JavaScript and HTML are for Chromium.  Settings are read by the
program that they are for.  A ``text`` block is the output of the block before it, where ``...`` is anything.

A block is over when it has ended; when it has printed what the page shows; and, if the page shows nothing,
when it listens on a port that it names.  What is over without having ended goes on until the page ends.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import os
import re
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Error

from .pages import Block
from .settings import READERS
from .workplace import Workplace, search_path

_READ_BY = {"nginx": "nginx", "caddyfile": "caddy"}
_PROGRAM = re.compile(r"^(?:\w+\.)*run\(|^with asyncio\.Runner\(", re.MULTILINE)
_FOR_NODE = re.compile(r"^import\b|\brequire\(", re.MULTILINE)


def needs_browser(blocks: list[Block]) -> bool:
    """Say whether some of these blocks are for Chromium."""
    run = [block for block in blocks if "not run" not in block.notes]
    return any("opens" in block.notes or _is_for_browser(block) for block in run)


def _is_for_browser(block: Block) -> bool:
    return block.language == "html" or (block.language == "javascript" and not _FOR_NODE.search(block.text))


def _is_program(block: Block) -> bool:
    return block.language == "python" and _PROGRAM.search(block.text) is not None


def need_programs(blocks: list[Block]) -> None:
    """See that the programs that blocks are for are here; if not, skip the test, and under CI fail it."""
    wanted = {_READ_BY[block.language] for block in blocks if block.language in _READ_BY}
    if any(block.language == "javascript" and not _is_for_browser(block) for block in blocks):
        wanted.add("node")
    missing = sorted(name for name in wanted if not shutil.which(name, path=search_path()))
    if missing:
        reason = f"no {' and no '.join(missing)} here: what a page says about it was not tried"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


class PageRun:
    """A page that is being run."""

    def __init__(self, page: str, blocks: list[Block], folder: Path, browser: Browser | None = None) -> None:
        self._blocks = blocks
        self._place = Workplace(page, folder, browser)
        self._ways: dict[str, Callable[[Block], Awaitable[None]]] = {
            "python": self._run_python,
            "console": self._run_console,
            "javascript": self._run_javascript,
            "html": self._open_html,
            "diff": self._run_diff,
            "text": self._compare,
        }

    async def run(self) -> None:
        """Run every block.

        Raises:
            AssertionError: with the line of the page and what went wrong there.
        """
        line = 0
        try:
            for block in self._blocks:
                line = block.line
                await self._run_block(block)
            assert not self._place.unused, f"nothing uses {', '.join(self._place.unused)}"
            await self._place.stop()
        except (AssertionError, SyntaxError, Error) as failure:
            raise AssertionError(f"line {line}: {self._place.stand_ins.restored(str(failure))}") from None
        finally:
            with contextlib.suppress(AssertionError):
                await self._place.stop()

    async def _run_block(self, block: Block) -> None:
        """Run a block and what goes on beside it, and look for trouble."""
        if "stop" in block.notes:
            await self._place.stop()
        if "not run" in block.notes:
            return
        block = self._replaced(block)
        beside = await self._place.command(block.notes["with"]) if "with" in block.notes else None
        if "setup" in block.notes and not _is_program(block):
            await self._place.interpret(f"line {block.line}, setup", block.notes["setup"])
        if block.file:
            self._place.write(block.file, block.text)
            self._place.unused.add(block.file)
        await self._run_language(block)
        await self._browse(block.notes)
        self._place.look()
        if beside is not None:
            await self._place.end(beside)

    def _replaced(self, block: Block) -> Block:
        """Return a block with the stand-ins in it."""
        replaced = self._place.stand_ins.replaced
        notes = {verb: replaced(rest) for verb, rest in block.notes.items()}
        return dataclasses.replace(block, text=replaced(block.text), notes=notes)

    async def _run_language(self, block: Block) -> None:
        if block.language in READERS:
            await READERS[block.language](block, self._place.folder, self._place.environment())
            return
        language = block.language or "what has no language"
        assert block.language in self._ways, f"there is no way to run {language}"
        await self._ways[block.language](block)

    async def _run_python(self, block: Block) -> None:
        """Run Python among the page's other Python, or as a program."""
        name = f"line {block.line}"
        _check_syntax(block.text, name)
        if block.file:
            return
        if _is_program(block):
            program = f"line{block.line}.py"
            self._place.write(program, f"{block.notes.get('setup', '')}\n{block.text}")
            await self._place.command(f"python {program}", block.prints)
        else:
            await self._place.interpret(name, block.text, block.prints)

    async def _run_diff(self, block: Block) -> None:
        """Run what a change makes of a program, and see that it was one before."""
        lines = block.text.splitlines()
        before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
        after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
        _check_syntax(before, f"line {block.line}, before")
        await self._run_python(dataclasses.replace(block, text=f"{after}\n", language="python"))

    async def _run_console(self, block: Block) -> None:
        """Run commands, one after the other, with what is typed into them."""
        for command, lines in _sessions(block.text):
            await self._run_session(command, lines)

    async def _run_session(self, text: str, lines: list[str]) -> None:
        command = await self._place.start(text, is_typed_into=any(line.startswith("> ") for line in lines))
        source, shown = self._place.with_files(text), ""
        for line in lines:
            if line == "^C":
                await self._place.over(command.output, source, shown or None)
                command.signal(signal.SIGINT)
                await command.ended()
            elif line.startswith("> "):
                if shown:
                    await self._place.over(command.output, source, shown)
                command.type(line.removeprefix("> "))
            else:
                shown += f"{line}\n"
        await self._place.over(command.output, source, shown or None)

    async def _compare(self, block: Block) -> None:
        """Compare text with the output of a command that is named, or of none."""
        word = block.notes.get("of")
        assert word, "this text is the output of nothing"
        command = next((each for each in reversed(self._place.commands) if word in each.text), None)
        assert command, f"no command has {word!r} in it"
        await self._place.over(command.output, "", block.text)

    async def _run_javascript(self, block: Block) -> None:
        """Run JavaScript in Node or in Chromium."""
        if block.file:
            return
        if _is_for_browser(block):
            window = await self._place.open(None)
            await window.run(block.text)
            await self._place.over(window.output, block.text, block.prints)
        else:
            script = f"line{block.line}.{'cjs' if 'require(' in block.text else 'mjs'}"
            self._place.write(script, block.text)
            await self._place.command(f"node {script}", block.prints)

    async def _open_html(self, block: Block) -> None:
        """Open a page from its file, unless a server is to give it."""
        if "opens" in block.notes:
            return
        file = block.file or f"line{block.line}.html"
        self._place.write(file, block.text)
        self._place.unused.discard(file)
        window = await self._place.open((self._place.folder / file).as_uri())
        await self._place.over(window.output, block.text, block.prints)

    async def _browse(self, notes: dict[str, str]) -> None:
        """Open what is to be opened, and do and see there what the notes say."""
        if "opens" in notes:
            await self._place.open(notes["opens"])
        if "types" in notes or "shows" in notes:
            window = self._place.window
            assert window is not None, "nothing was opened in the browser"
            if "types" in notes:
                await window.type(notes["types"])
            if "shows" in notes:
                await window.see(notes["shows"])


def _check_syntax(source: str, name: str) -> None:
    compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _sessions(text: str) -> list[tuple[str, list[str]]]:
    """Return the commands in a console, each with the lines that stand under it."""
    sessions: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            sessions.append((line.removeprefix("$ "), []))
        elif sessions and sessions[-1][0].endswith("\\"):
            sessions[-1] = (f"{sessions[-1][0]}\n{line}", [])
        else:
            assert sessions, f"a console begins with a command: $ {line}"
            sessions[-1][1].append(line)
    return sessions
