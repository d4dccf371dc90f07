"""What is asked in between: to choose, to write a line, to say yes; and help.

Each dialog gives back what was chosen, or None.  What it is for, it doesn't know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, OptionList, Static
from textual.widgets.option_list import Option

from hubbub.terminal.words import Words

STYLE = """
Dialog { align: center middle; background: $background 60%; }
Dialog > Vertical {
    width: 68; max-width: 94%; height: auto; max-height: 84%;
    background: $surface; padding: 1 2;
}
Dialog .title { text-style: bold; padding: 0 1; width: 1fr; color: $accent; }
Dialog .keys { color: $quiet; padding: 0 1; margin-top: 1; width: 1fr; }
Dialog Input, Dialog Input:focus { border: none; height: 1; padding: 0 1; margin: 1 0; background: $pressed; }
Dialog OptionList, Dialog OptionList:focus {
    border: none; height: auto; max-height: 14; background: $surface; padding: 0;
    scrollbar-size-vertical: 1;
}
Dialog OptionList > .option-list--option { padding: 0 1; }
Dialog Checkbox, Dialog Checkbox:focus { border: none; background: $surface; padding: 0 1; margin-bottom: 1; }
Dialog Checkbox > .toggle--button { color: $pressed; background: $pressed; }
Dialog Checkbox.-on > .toggle--button { color: $accent; background: $pressed; }
Dialog VerticalScroll {
    height: auto; max-height: 26; padding: 0 1; margin-top: 1; scrollbar-size-vertical: 1;
}
"""


T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """Something in front of the conversation; Esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def _give(self, result: T | None) -> None:
        # To wait for its end from within would be to wait for oneself.
        _ = self.dismiss(result)

    def action_close(self) -> None:
        """Give nothing back."""
        self._give(None)


class Item(NamedTuple):
    """Something to choose: what is given back, what is shown, and what can be written to find it."""

    value: str
    shown: Content
    sought: str


class Choose(Dialog[str]):
    """One of several things; with `free` also what is written instead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(
        self, words: Words, title: str, items: Sequence[Item], nothing: str, *, free: bool = False
    ) -> None:
        super().__init__(words)
        self._title = title
        self._items = items
        self._nothing = nothing
        self._free = free

    def compose(self) -> ComposeResult:
        """Build it."""
        with Vertical():
            yield Static(self._title, classes="title", markup=False)
            yield Input()
            yield OptionList()
            yield Static(self._words.confirm_keys, classes="keys", markup=False)

    def on_mount(self) -> None:
        """Offer everything."""
        self.query_one(OptionList).can_focus = False
        self._offer("")

    def _offer(self, sought: str) -> None:
        wanted = sought.strip().casefold()
        found = [item for item in self._items if wanted in item.sought.casefold()]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(item.shown, id=item.value) for item in found)
        if not found and not self._free:
            options.add_option(Option(Content(self._nothing), disabled=True))
        options.highlighted = 0 if found else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what goes with what is written."""
        self._offer(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what is highlighted, or what is written."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._give(options.get_option_at_index(options.highlighted).id)
        elif self._free and event.value.strip():
            self._give(event.value.strip())

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take what is clicked at."""
        self._give(event.option.id)

    def action_move(self, step: int) -> None:
        """Highlight the next one, or the one before."""
        options = self.query_one(OptionList)
        if step < 0:
            options.action_cursor_up()
        else:
            options.action_cursor_down()


class Wanted(NamedTuple):
    """The room that somebody would like to have."""

    name: str
    is_private: bool


class NewRoom(Dialog[Wanted]):
    """The name of a room, and whether it is private."""

    def compose(self) -> ComposeResult:
        """Build it."""
        with Vertical():
            yield Static(self._words.room_name, classes="title", markup=False)
            yield Input(max_length=100)
            yield Checkbox(Content(self._words.private_room))
            yield Static(self._words.confirm_keys, classes="keys", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the name, if there is one."""
        name = event.value.strip()
        if name:
            self._give(Wanted(name, self.query_one(Checkbox).value))


class Confirm(Dialog[bool]):
    """A question to be answered by yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "agree", show=False, priority=True),
        Binding("n", "close", show=False),
    ]

    def __init__(self, words: Words, question: str) -> None:
        super().__init__(words)
        self._question = question

    def compose(self) -> ComposeResult:
        """Build it."""
        words = self._words
        with Vertical():
            yield Static(self._question, classes="title", markup=False)
            yield Static(f"Enter {words.yes} · Esc {words.no}", classes="keys", markup=False)

    def action_agree(self) -> None:
        """Answer by yes."""
        self._give(True)


class Help(Dialog[None]):
    """What can be read: keys, people."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,q,question_mark,f1", "close", show=False)]

    def __init__(self, words: Words, title: str, text: Content | str) -> None:
        super().__init__(words)
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Build it."""
        with Vertical():
            yield Static(self._title, classes="title", markup=False)
            with VerticalScroll():
                yield Static(self._text, markup=False)
            yield Static(self._words.escape, classes="keys", markup=False)
