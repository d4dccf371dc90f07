"""The screen, in a real chat."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from hubbub import wire
from hubbub.client import Client, RequestRefused
from hubbub.domain.models import LOBBY
from hubbub.terminal.composer import Composer
from hubbub.terminal.themes import DARK
from hubbub.terminal.words import ZH

from .conftest import Enter, Show, Shown


async def make_room(client: Client, name: str) -> str:
    """Make a room, and return its id."""
    result = await client.call(wire.CreateRoom(name))
    assert isinstance(result, wire.RoomResult)
    return result.room.id


def written(screen: Shown) -> str:
    """Return what is in the composer."""
    return screen.chat.query_one(Composer).text


async def test_people_talk(enter: Enter, show: Show) -> None:
    """What one writes is read by the other, and the other way round, with names and who is here."""
    bo = await enter("Bo")
    async with show("小林") as me:
        await me.shows("# lobby", "2 here", "小林 · connected")
        await me.type("你好，Bo！")
        await me.press("ctrl+j")
        await me.type("zwei")
        await me.press("enter")
        await me.shows("    你好，Bo！", "    zwei")
        assert written(me) == ""
        await me.until(lambda: not me.chat.sender.outgoing and "sending" not in me.text)
        answered = (await bo.send(LOBBY, "hello 小林")).q
        await me.shows("Bo  ", "    hello 小林")
        await me.until(lambda: bo.rooms[LOBBY].messages[:1])

        assert bo.rooms[LOBBY].messages[0].text == "你好，Bo！\nzwei"
        await me.until(lambda: me.chat.view is not None and me.chat.view.marks.read == answered)


async def test_orders_of_others_are_not_followed(enter: Enter, show: Show) -> None:
    """What others write and are called reaches the terminal without its controls."""
    bo = await enter("Bo [b]bold[/b]")
    room = await make_room(bo, "[red]tea")
    async with show() as me:
        await bo.send(LOBBY, "\x1b[2J\x1b]52;c;ZXZpbA==\x07 \x9b31m [link=x]y[/link]")
        await me.shows("Bo [b]bold[/b]", "\\x1b[2J\\x1b]52;c;ZXZpbA==\\x07 \\x9b31m [link=x]y[/link]")
        await me.chat.client.call(wire.JoinRoom(room))
        await me.shows("# [red]tea")

        raw = "".join(
            segment.text for strip in me.app.screen._compositor.render_strips() for segment in strip
        )
        assert not any(ord(each) < 32 or 0x7F <= ord(each) < 0xA0 for each in raw)


async def test_rooms_have_badges(enter: Enter, show: Show) -> None:
    """What waits in other rooms is counted; a room is read once it is on the screen."""
    bo = await enter("Bo")
    room = await make_room(bo, "tea")
    async with show() as me:
        await me.chat.client.call(wire.JoinRoom(room))
        await me.shows("# tea")
        await bo.send(room, "one")
        await me.until(lambda: [row.unread for row in me.chat._rows()] == [0, 1])
        q = (await bo.send(room, f"<@{me.chat.client.me.id}>")).q
        await me.until(lambda: "@1" in me.text)
        await me.press("alt+down")
        await me.shows("tea  2 here", "── New ─", "    one")
        await me.until(lambda: bo.rooms[room].messages and me.chat.client.rooms[room].marks.read == q)
        await me.until(lambda: [row.unread for row in me.chat._rows()] == [0, 0])

        assert me.chat.client.rooms[room].marks.mentions == 0


async def test_unfocused_terminal_reads_nothing(enter: Enter, show: Show) -> None:
    """While another window has the focus nothing counts as read; afterwards it does, below a line."""
    bo = await enter("Bo")
    async with show() as me:
        q = (await bo.send(LOBBY, "before")).q
        await me.until(lambda: me.chat.view is not None and me.chat.view.marks.read == q)
        me.app.app_focus = False
        q = (await bo.send(LOBBY, "meanwhile")).q
        await me.shows("meanwhile", "── New ─")
        assert me.chat.view is not None
        assert me.chat.view.marks.unread == 1
        me.app.app_focus = True

        await me.until(lambda: me.chat.view is not None and me.chat.view.marks.read == q)


async def test_room_is_switched(enter: Enter, show: Show) -> None:
    """Ctrl+K finds a room by its name; what was being written stays in its room."""
    async with show() as me:
        await make_room(me.chat.client, "读书会")
        await me.shows("# 读书会")
        await me.type("half a")
        await me.press("ctrl+k")
        await me.shows("Switch room")
        await me.type("读")
        await me.press("enter")
        await me.shows("Message 读书会")
        assert written(me) == ""
        await me.press("alt+up")
        await me.until(lambda: written(me) == "half a")


async def test_rooms_are_made_joined_and_left(enter: Enter, show: Show) -> None:
    """The commands make, join and leave rooms."""
    bo = await enter("Bo")
    await make_room(bo, "tea")
    async with show() as me:
        await command(me, "Make")
        await me.shows("Name of the new room")
        await me.type("mine")
        await me.press("enter")
        await me.shows("mine  1 here", "This is where mine begins.")
        await command(me, "Join")
        await me.shows("tea  1 members")
        await me.press("enter")
        await me.shows("tea  2 here")
        await command(me, "Leave")
        await me.shows("Leave tea?")
        await me.press("enter")
        await me.until(lambda: "# tea" not in me.text and me.chat.view is not None)
        assert len(me.chat.client.rooms) == 2


async def command(screen: Shown, name: str) -> None:
    """Take a command."""
    await screen.press("ctrl+p")
    await screen.shows("What would you like to do?")
    await screen.type(name)
    await screen.press("enter")


async def test_kicked_out_is_told(enter: Enter, show: Show) -> None:
    """Whoever is put out of a room is told so, and sees another one."""
    bo = await enter("Bo")
    room = await make_room(bo, "tea")
    async with show() as me:
        await me.chat.client.call(wire.JoinRoom(room))
        await me.shows("# tea")
        me.chat.show_room(room)
        await me.shows("tea  2 here")
        await bo.call(wire.Kick(room, me.chat.client.me.id))

        await me.shows("You are no longer in tea.", "lobby  2 here")


async def test_messages_are_worked_with(enter: Enter, show: Show) -> None:
    """Messages are selected, answered, reacted to, edited, copied and deleted."""
    bo = await enter("Bo")
    async with show() as me:
        await bo.send(LOBBY, "tea?")
        await me.shows("tea?")
        await me.press("tab")
        await me.until(lambda: me.timeline.selected_post is not None)
        await me.press("r")
        await me.shows("Reply to Bo: tea? · Esc stops")
        await me.type("yes")
        await me.press("enter")
        await me.shows("┃ Bo tea?", "    yes")
        await me.press("tab", "k", "+")
        await me.shows("React with")
        await me.press("enter")
        await me.shows("👍 1")
        await me.press("c")
        await me.until(lambda: me.app.clipboard == "tea?")
        await me.press("e")
        await me.shows("Only your own messages")
        await me.press("j", "d")
        await me.shows("Delete this message for everyone?")
        await me.press("enter")
        await me.shows("Message deleted")


async def test_last_message_is_edited(enter: Enter, show: Show) -> None:
    """Up in an empty composer edits one's last message; Esc leaves it as it is."""
    bo = await enter("Bo")
    async with show() as me:
        await me.type("helo @Bo")
        await me.press("enter")
        await me.until(lambda: bo.rooms[LOBBY].messages)
        assert bo.rooms[LOBBY].messages[0].text == f"helo <@{bo.me.id}>"
        await me.until(lambda: me.chat.view is not None and me.chat.view.messages)
        await me.press("up")
        await me.until(lambda: written(me) == "helo @Bo")
        await me.press("escape")
        await me.until(lambda: written(me) == "")
        await me.press("up")
        await me.shows("Editing your message")
        await me.press(*["left"] * 5)
        await me.type("l")
        await me.press("enter")
        await me.shows("(edited)")
        await me.until(lambda: bo.rooms[LOBBY].messages[0].ed is not None)

        assert bo.rooms[LOBBY].messages[0].text == f"hello <@{bo.me.id}>"


async def test_refused_edit_is_given_back(enter: Enter, show: Show) -> None:
    """What can't replace a message is there to be written again."""
    async with show() as me:
        q = (await me.chat.client.send(LOBBY, "one")).q
        await me.shows("    one")
        await me.press("up")
        await me.until(lambda: written(me) == "one")
        await me.chat.client.edit(LOBBY, q, "another")
        me.chat.view.find(q).base = q  # type: ignore[union-attr]
        await me.type(" two\r")
        await me.shows("The message was changed")

        assert written(me) == "one two"
        await me.shows("Editing your")


async def test_typing_is_shown(enter: Enter, show: Show) -> None:
    """Who types is named; that one types oneself, is told to the others and not to oneself."""
    bo = await enter("Bo")
    async with show() as me:
        bo.type(LOBBY)
        await me.shows("Bo is typing…")
        await me.type("h")
        heard = await next_typing(bo)
        bo.type(LOBBY, on=False)
        await me.until(lambda: "typing" not in me.text)

        assert (heard.user.name, heard.on) == ("Me", True)


async def next_typing(client: Client) -> wire.TypingInfo:
    """Return who is heard to type next."""
    async for news in client:
        body = getattr(news, "body", None)
        if isinstance(body, wire.TypingInfo) and body.user.id != client.me.id:
            return body
    raise AssertionError


async def test_history_is_endless(enter: Enter, show: Show) -> None:
    """Going up reads page after page, and what is on the screen stays where it is meanwhile."""
    bo = await enter("Bo")
    for number in range(160):
        await bo.send(LOBBY, f"line {number:03}.")
    async with show() as me:
        await me.shows("line 159.")
        view = me.chat.view
        assert view is not None
        pages = [numbers(me)]
        while me.timeline.scroll_offset.y > 0:
            await me.press("pageup")
            await me.until(lambda: not me.chat._is_loading)
            pages.append(numbers(me))
        assert len(view.messages) == 160
        assert all(page == list(range(page[0], page[-1] + 1)) for page in pages)
        assert all(upper[-1] >= lower[0] - 1 for lower, upper in pairwise(pages))
        await me.shows("This is where lobby begins.", "line 000.")
        await me.press("tab", "end")

        await me.shows("line 159.")


def numbers(screen: Shown) -> list[int]:
    """Return the numbers of the messages on the screen."""
    return [int(number) for number in re.findall(r"line (\d+)\.", screen.text)]


async def test_view_stays_while_reading(enter: Enter, show: Show) -> None:
    """While someone reads further up nothing moves; that there is more below is told."""
    bo = await enter("Bo")
    for number in range(40):
        await bo.send(LOBBY, f"line {number}.")
    async with show() as me:
        await me.shows("line 39.")
        await me.press("pageup")
        await me.until(lambda: "line 39." not in me.text)
        before = [line[26:95].rstrip() for line in me.lines[2:20]]
        await bo.send(LOBBY, "and more")
        await me.shows("↓ 1 new message · End")

        assert [line[26:95].rstrip() for line in me.lines[2:20]] == before


async def test_refused_message_can_be_sent_again(
    enter: Enter, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused is red, with the reason; it is sent again, or removed."""
    async with show() as me:
        real = me.chat.client.send
        refusal = wire.Err("muted", "You are muted.", retry=False)

        async def refuse(*_: Any, **__: Any) -> wire.SendOk:
            raise RequestRefused(refusal)

        monkeypatch.setattr(me.chat.client, "send", refuse)
        await me.type("one")
        await me.press("enter")
        await me.shows("    one", "✕ You can't write here for a while.")
        await me.type("two")
        await me.press("enter")
        await me.until(lambda: me.text.count("✕") == 2)
        await me.press("tab", "delete")
        await me.until(lambda: me.text.count("✕") == 1)
        monkeypatch.setattr(me.chat.client, "send", real)
        await me.press("k", "r")
        await me.until(lambda: "✕" not in me.text and not me.chat.sender.outgoing)

        assert "    one" in me.text
        assert "two" not in me.text


async def test_narrow_terminal_has_one_column(show: Show) -> None:
    """Where there is little room, the rooms are behind a key; in Chinese as well."""
    async with show(size=(44, 16), words=ZH) as me:
        await make_room(me.chat.client, "茶")
        await me.shows("lobby  1 人在线", "● Me · 已连接")

        assert all("# lobby" not in line for line in me.lines)
        await me.press("ctrl+k")
        await me.shows("切换房间", "茶")


async def test_low_terminal_shows_what_matters(show: Show) -> None:
    """Where there are few lines, there is still one to read and one to write."""
    async with show(size=(40, 6)) as me:
        await me.type("hello\r")
        await me.shows("    hello")
        await me.type("and more")

        await me.shows("lobby", "    hello", "and more", "Me · connected")


async def test_long_text_is_counted(show: Show) -> None:
    """A text that is too long isn't sent, and says by how much."""
    async with show() as me:
        me.chat.query_one(Composer).fill("x" * 16_003)
        await me.press("enter")
        await me.shows("3 characters too many.")

        assert len(written(me)) == 16_003
        assert me.chat.palette is DARK


async def test_people_are_listed(enter: Enter, show: Show) -> None:
    """Who is in the room can be looked at, and the keys, too."""
    await enter("Bo")
    async with show() as me:
        await me.shows("2 here")
        await command(me, "Who")
        await me.shows("In lobby", "● Bo", "● Me")
        await me.press("escape", "f1")
        await me.shows("Keys and help", "Ctrl+K           switch room")
        await me.press("escape", "tab", "question_mark")
        await me.shows("Keys and help")
