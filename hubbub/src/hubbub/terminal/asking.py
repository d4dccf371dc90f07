"""What is asked of a person before something is done with rooms, messages and people.

Each function opens a dialog, and returns what was decided; that is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from textual.app import App
from textual.content import Content

from hubbub import wire
from hubbub.client import RoomView
from hubbub.terminal.dialogs import Choose, Confirm, Help, Item, NewRoom
from hubbub.terminal.entries import author_of, room_name
from hubbub.terminal.plain import plain_line
from hubbub.terminal.roomlist import Row, badge_of
from hubbub.terminal.sending import Sender
from hubbub.terminal.themes import Palette
from hubbub.terminal.words import Words

EMOJI: Final = ("👍", "😄", "🎉", "❤️", "🙏", "👀", "🤔", "😢", "🔥", "✅")
MOST_ROOMS: Final = 1_000


async def ask_room(app: App[Any], rows: Sequence[Row], words: Words, palette: Palette) -> str | None:
    """Ask to which of one's rooms to go."""
    items = [
        Item(
            row.room,
            Content.assemble(row.name, (f"  {badge_of(row)}", f"bold {palette.accent}")),
            row.name,
        )
        for row in rows
    ]
    return await app.push_screen_wait(Choose(words, words.switch_room, items, words.no_rooms))


async def ask_public_room(app: App[Any], sender: Sender, words: Words, palette: Palette) -> str | None:
    """Ask which room to join, of those that are public."""
    items = [
        Item(entry.room.id, _entry(entry, words, palette), plain_line(entry.room.name))
        for entry in await _public_rooms(sender)
        if not entry.joined
    ]
    return await app.push_screen_wait(Choose(words, words.join_room, items, words.no_rooms))


def _entry(entry: wire.RoomEntry, words: Words, palette: Palette) -> Content:
    more = f"  {words.members.format(entry.members)}  {plain_line(entry.room.topic)}"
    return Content.assemble(plain_line(entry.room.name), (more, palette.quiet))


async def _public_rooms(sender: Sender) -> list[wire.RoomEntry]:
    found: list[wire.RoomEntry] = []
    after: str | None = None
    while True:
        page = await sender.call(wire.ListRooms(after))
        if not isinstance(page, wire.RoomsResult):
            return found
        found += page.rooms
        after = page.next
        if after is None or len(found) >= MOST_ROOMS:
            return found


async def ask_new_room(app: App[Any], words: Words) -> wire.CreateRoom | None:
    """Ask what room to make."""
    wanted = await app.push_screen_wait(NewRoom(words))
    if wanted is None:
        return None
    return wire.CreateRoom(wanted.name, visibility="private" if wanted.is_private else "public")


async def ask_leaving(app: App[Any], view: RoomView, words: Words) -> bool:
    """Ask whether to leave a room."""
    question = words.leave_question.format(room_name(view))
    agreed = await app.push_screen_wait(Confirm(words, question))
    return agreed is True


async def ask_deleting(app: App[Any], words: Words) -> bool:
    """Ask whether to take a message back."""
    agreed = await app.push_screen_wait(Confirm(words, words.delete_question))
    return agreed is True


async def ask_emoji(app: App[Any], words: Words) -> str | None:
    """Ask by which emoji to react; any can be written."""
    items = [Item(emoji, Content(emoji), emoji) for emoji in EMOJI]
    return await app.push_screen_wait(Choose(words, words.react_with, items, "", free=True))


async def ask_command(
    app: App[Any], commands: Mapping[str, tuple[str, Callable[[], object]]], words: Words, palette: Palette
) -> None:
    """Ask what to do, and begin it; each has a title, the keys for it, and how it is done."""
    items = [
        Item(title, Content.assemble(title, (f"  {keys}", palette.quiet)), title)
        for title, (keys, _) in commands.items()
    ]
    chosen = await app.push_screen_wait(Choose(words, words.search_commands, items, words.no_commands))
    if chosen is not None:
        commands[chosen][1]()


def show_people(app: App[Any], view: RoomView, words: Words, palette: Palette) -> None:
    """Show who is known in a room, those first who are there now."""
    users = sorted(view.names, key=lambda user: (user not in view.present, author_of(view, user).casefold()))
    lines = [
        Content.assemble(
            ("● " if user in view.present else "○ ", palette.ok if user in view.present else palette.quiet),
            (author_of(view, user), palette.hue_of(user)),
        )
        for user in users
    ]
    title = words.people_in.format(room_name(view))
    _ = app.push_screen(Help(words, title, Content("\n").join(lines)))


def show_help(app: App[Any], words: Words) -> None:
    """Show the keys."""
    _ = app.push_screen(Help(words, words.help, words.help_text))
