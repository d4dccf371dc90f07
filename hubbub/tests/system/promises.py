"""What the page promises, and the tests that show it; `python -m tests.system.promises` makes docs/page.md.

A test says in its first line which promises it shows: `E-31: new messages don't move what is being read.`
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

HUBBUB: Final = Path(__file__).resolve().parents[2]
PAGE: Final = HUBBUB.parent / "docs" / "page.md"

PROMISES: Final = {
    "Writing": {
        "E-01": "Enter sends and Shift+Enter begins a line; on a touch screen there is a button.",
        "E-02": "The field grows with what is written, and keeps it until the server has it.",
        "E-03": "↑ corrects one's last message; Escape goes back, and the focus with it.",
        "E-04": "Pictures and files are pasted, dropped or chosen, and can be cancelled and tried again.",
        "E-05": "Input methods: the Enter that ends a composition does nothing else, anywhere.",
        "E-06": "@, :, # and / list what may be meant, by name and by pinyin initials.",
        "E-07": "Their full-width twins of Chinese keyboards do the same.",
        "E-08": "One sees what one replies to, and is warned before calling many people.",
    },
    "Sending": {
        "E-10": "One's message is there at once, once, and becomes normal without moving.",
        "E-11": "Offline one writes on; it is kept over a reload, and goes out in its order.",
        "E-12": "What is refused for good says why, and asks what to do; the rest is tried again by itself.",
        "E-13": "Two tabs show everything once.",
    },
    "Connection": {
        "E-20": "A lost connection is told after three seconds, and its return.",
        "E-21": "After a long sleep everything is there, in order, without a reload.",
        "E-22": "A restart of the server changes neither place nor draft.",
        "E-23": "A new version is announced, and loaded when nobody is disturbed.",
    },
    "Reading": {
        "E-30": "Who is at the end stays there, whatever comes or grows.",
        "E-31": "Who reads further up isn't moved; a button leads to what is new.",
        "E-32": "Older messages come in above without moving what is read.",
        "E-33": "A room opens where one left off, with a line before what is new.",
        "E-34": "The address of a message leads to it, however old, and on from there.",
        "E-35": "Ten thousand messages scroll as smoothly as ten.",
        "E-36": "Days are set apart, messages grouped; exact times are there; no word breaks the layout.",
        "E-37": "Edits, deletions and reactions show, with what was before and by whom.",
    },
    "Attention": {
        "E-40": "Read is what was in sight of someone who looked; other devices know at once.",
        "E-41": "Rooms, title and icon tell what waits, and how urgent it is.",
        "E-42": "A message, a room or everything can be marked.",
        "E-43": "Notifications are asked for only after a click, by room, and go where they came from.",
        "E-44": "A closed page is reached by Web Push, with the server's own keys.",
    },
    "Layout": {
        "E-50": "From 320 px to the widest window, with mouse or finger.",
        "E-51": "Light or dark without a flash, with enough contrast, and still for who wants it still.",
        "E-52": "Emoji are found in English and Chinese, by keyboard too.",
        "E-53": "The first screen is small, and nothing comes from anybody else.",
    },
    "Keyboard": {"E-60": "Everything is reached without a mouse, and one sees where one is."},
    "Assistive technology": {
        "E-70": "What is new is read out, what is older isn't.",
        "E-71": "Much at once is summed up.",
        "E-72": "Each message says who and what, and has a menu of what can be done.",
        "E-73": "States are told quietly, errors at once, and typing not at all.",
        "E-74": "Landmarks, headings, dialogs: axe-core finds nothing.",
        "E-75": "Pictures are described.",
    },
    "Languages": {"E-80": "English and Chinese are whole, and change without a reload."},
    "Safety": {"E-90": "Nothing that people write or upload runs, and no policy has an exception."},
}

_HEAD: Final = """\
# What the page promises

Each promise has a number, which the tests that show it name. Nearly all of them run in Chromium,
against a real server. `python -m tests.system.promises` in `hubbub/` made this page."""

_NUMBERS: Final = re.compile(r"E-\d\d")
_TITLE: Final = re.compile(r"""^\s*(?:describe|test)\w*(?:\.\w+)?\(\s*['"`](E-\d\d[^'"`]*)""", re.MULTILINE)


class Shown(NamedTuple):
    """A test that shows promises: which, what it says of itself, and in which file it is."""

    numbers: list[str]
    said: str
    file: str


def find_shown() -> list[Shown]:
    """Return every test that names a promise, of the page and of the browser."""
    return [*_in_python(), *_in_typescript()]


def _in_python() -> Iterator[Shown]:
    for file in sorted((HUBBUB / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield from _read((ast.get_docstring(node) or "").partition("\n\n")[0], file)


def _in_typescript() -> Iterator[Shown]:
    for file in sorted((HUBBUB / "web" / "tests").rglob("*.test.ts")):
        for title in _TITLE.findall(file.read_text("utf-8")):
            yield from _read(title, file)


def _read(line: str, file: Path) -> Iterator[Shown]:
    if numbers := _NUMBERS.findall(line):
        said = " ".join(line.rpartition("E-")[2][2:].lstrip(":").split())
        yield Shown(numbers, said, file.relative_to(HUBBUB).as_posix())


def make_page() -> str:
    """Return what docs/page.md has to be."""
    shown = find_shown()
    parts = [_HEAD]
    for subject, promises in PROMISES.items():
        parts += [f"## {subject}", *(_tell(number, text, shown) for number, text in promises.items())]
    return "\n\n".join(parts) + "\n"


def _tell(number: str, text: str, shown: list[Shown]) -> str:
    tests = [f"- {one.said} (`{one.file}`)" for one in shown if number in one.numbers]
    return "\n".join([f"**{number}** {text}", "", *(tests or ["- *No test shows this yet.*"])])


if __name__ == "__main__":
    PAGE.write_text(make_page(), "utf-8")
