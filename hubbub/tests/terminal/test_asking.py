"""What is asked before something is done."""

from __future__ import annotations

from hubbub import wire
from hubbub.terminal import asking
from hubbub.terminal.roomlist import Row
from hubbub.terminal.themes import DARK
from hubbub.terminal.words import EN

from .conftest import Enter, Show, Shown
from .rooms import make_view


async def ask(screen: Shown, question: object, *keys: str) -> object:
    """Ask something, and press keys; return what was decided."""
    worker = screen.app.run_worker(question)  # type: ignore[arg-type]
    await screen.until(lambda: screen.app.screen is not screen.chat)
    for key in keys:
        await (screen.press(key) if len(key) > 1 else screen.type(key))
    return await worker.wait()


async def test_rooms_are_asked_for(show: Show) -> None:
    """One's rooms are offered with what waits there."""
    rows = [Row("r_1", "tea", 3, 0, False), Row("r_2", "[b]", 5, 2, True)]
    async with show() as me:
        assert await ask(me, asking.ask_room(me.app, rows, EN, DARK), "down", "enter") == "r_2"
        assert await ask(me, asking.ask_room(me.app, [], EN, DARK), "escape") is None


async def test_public_rooms_are_asked_for(enter: Enter, show: Show) -> None:
    """Rooms are offered that one could join, however many pages of them there are."""
    bo = await enter("Bo")
    made = [await bo.call(wire.CreateRoom(f"room {number:02}", f"topic {number}")) for number in range(60)]
    last = made[-1]
    assert isinstance(last, wire.RoomResult)
    async with show() as me:
        question = asking.ask_public_room(me.app, me.chat.sender, EN, DARK)

        assert await ask(me, question, *"59", "enter") == last.room.id


async def test_decisions_are_taken(show: Show) -> None:
    """What to make, to leave, to delete and to react by is asked for."""
    async with show() as me:
        made = await ask(me, asking.ask_new_room(me.app, EN), *"tea", "enter")
        assert made == wire.CreateRoom("tea")
        assert await ask(me, asking.ask_new_room(me.app, EN), "escape") is None
        assert await ask(me, asking.ask_leaving(me.app, make_view(), EN), "enter") is True
        assert await ask(me, asking.ask_deleting(me.app, EN), "escape") is False
        assert await ask(me, asking.ask_emoji(me.app, EN), "down", "enter") == "😄"


async def test_people_and_keys_are_shown(show: Show) -> None:
    """Those who are there come first; names are no markup."""
    view = make_view(u_1="[b]Ann", u_2="Zoe")
    view.present = {"u_2": wire.PresenceInfo("u_2", "Zoe", "on")}
    async with show() as me:
        asking.show_people(me.app, view, EN, DARK)
        await me.shows("● Zoe", "○ [b]Ann")
        assert me.text.index("Zoe") < me.text.index("[b]Ann")
        await me.press("escape")
        asking.show_help(me.app, EN)
        await me.shows("Keys and help")
