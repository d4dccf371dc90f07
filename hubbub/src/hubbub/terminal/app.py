"""The program around the conversation: colours, commands, and the end.

Knows Textual's parts of the program, and the news' way from the client to the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType

from hubbub.client import Client, SessionEnded
from hubbub.terminal import asking, dialogs
from hubbub.terminal.conversation import Conversation
from hubbub.terminal.themes import PALETTES, Palette
from hubbub.terminal.words import Words


class ChatApp(App[SessionEnded | None]):
    """The chat as one program; gives back why the server ended it, if it did."""

    TITLE = "hubbub"
    CSS = (
        dialogs.STYLE
        # Above, where neither the latest message is nor what one writes.
        + """
    ToastRack { dock: top; align: right top; margin: 1 0 0 0; }
    Toast { width: 48; background: $pressed; color: $foreground; padding: 1 2; }
    """
    )
    # It would have its own look, and know the commands' order better.
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", show=False, priority=True),
        Binding("ctrl+p", "offer_commands", show=False, priority=True),
    ]

    def __init__(
        self,
        client: Client,
        words: Words,
        palette: Palette,
        zone: tzinfo | None = None,
        *,
        is_kept: bool = True,
    ) -> None:
        super().__init__()
        self.words = words
        self.conversation = Conversation(client, words, palette, zone)
        self._client = client
        self._is_kept = is_kept
        for each in PALETTES.values():
            self.register_theme(each.theme())
        self.theme = palette.name

    async def on_mount(self) -> None:
        """Show the conversation, and what happens in it."""
        await self.push_screen(self.conversation)
        self._listen()
        if not self._is_kept:
            self.notify(self.words.not_kept, markup=False, severity="warning", timeout=10)

    @work(exit_on_error=True)
    async def _listen(self) -> None:
        try:
            async for news in self._client:
                self.conversation.learn(news)
        except SessionEnded as ended:
            self.exit(ended)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Name the colours that themes of others don't have."""
        return next(iter(PALETTES.values())).theme().variables

    @work
    async def action_offer_commands(self) -> None:
        """Offer everything that can be done."""
        if self.screen is self.conversation:
            await asking.ask_command(self, self._commands(), self.words, self.conversation.palette)

    def _commands(self) -> dict[str, tuple[str, Callable[[], object]]]:
        words, conversation = self.words, self.conversation
        return {
            words.switch_room: ("Ctrl+K", conversation.action_switch_room),
            words.join_room: ("", conversation.action_join_room),
            words.create_room: ("", conversation.action_create_room),
            words.leave_room: ("", conversation.action_leave_room),
            words.show_people: ("", conversation.action_show_people),
            words.light: ("", lambda: self.choose_palette("hubbub-light")),
            words.dark: ("", lambda: self.choose_palette("hubbub-dark")),
            words.help: ("F1", conversation.action_help),
            words.quit: ("Ctrl+Q", self.exit),
        }

    def choose_palette(self, name: str) -> None:
        """Take other colours."""
        self.theme = name
        self.conversation.palette = PALETTES[name]
        self.conversation.refresh_all()

    def action_help_quit(self) -> None:
        """Say how to leave, to who pressed Ctrl+C."""
        self.notify(self.words.quit_keys, markup=False)
