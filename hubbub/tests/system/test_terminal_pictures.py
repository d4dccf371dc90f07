"""Pictures of the chat in a terminal: wide and narrow, dark and light, in both languages, without a server.

They are drawn by the real program on the real server; only the clock is set, to a spring morning.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbub import wire
from hubbub.app import run_chat
from hubbub.client import Client, connect, sign_in_guest
from hubbub.config import Settings
from hubbub.domain.models import LOBBY
from hubbub.terminal.app import ChatApp
from hubbub.terminal.composer import Composer
from hubbub.terminal.themes import DARK, LIGHT
from hubbub.terminal.words import EN, ZH

from ..terminal.conftest import Shown, shown
from ..terminal.pictures import take_picture
from .test_web_pictures import NOW, Clock

WIDE, NARROW = (112, 36), (48, 36)
PEOPLE = ("周明", "李禾", "小林", "Anna Kowalska", "Tom Okafor")


class Morning(datetime):
    """The clock of whoever looks."""

    @classmethod
    def now(cls, tz: Any = None) -> Morning:
        """Tell the time."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


class Scene:
    """A chat in which people have talked."""

    def __init__(
        self,
        address: str,
        clock: Clock,
        people: dict[str, Client],
        tokens: dict[str, str],
        stop: Callable[[], Awaitable[None]],
    ) -> None:
        self.address = address
        self.stop = stop
        self.clock = clock
        self.people = people
        self.tokens = tokens

    async def say(
        self, day: int, time: str, name: str, text: str, re: int | None = None, room: str = LOBBY
    ) -> int:
        """Let someone say something at a time."""
        self.clock.set(day, time)
        return (await self.people[name].send(room, text, re=re)).q

    @contextlib.asynccontextmanager
    async def look(self, name: str, size: tuple[int, int], **looks: Any) -> AsyncIterator[Shown]:
        """Look at it as someone."""
        async with (
            connect(self.address, token=self.tokens[name], follow=False) as client,
            shown(ChatApp(client, looks.get("words", EN), looks.get("palette", DARK), UTC), size) as screen,
        ):
            await screen.until(lambda: screen.chat.view is not None and screen.chat.view.present)
            yield screen


@pytest.fixture
async def scene(
    settings: Settings, unhurried: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """Let people talk in a chat, in several rooms."""
    clock = Clock()
    clock.set(12, "12:00")
    monkeypatch.setattr("hubbub.app.now", clock)
    monkeypatch.setattr("hubbub.terminal.conversation.datetime", Morning)
    settings = msgspec.structs.replace(settings, **unhurried)
    async with contextlib.AsyncExitStack() as server, contextlib.AsyncExitStack() as stack:
        address = await server.enter_async_context(run_chat(settings))
        tokens = {name: (await sign_in_guest(address, name)).token for name in PEOPLE}
        people = {
            name: await stack.enter_async_context(connect(address, token=token))
            for name, token in tokens.items()
        }
        scene = Scene(address, clock, people, tokens, server.aclose)
        await talk(scene)
        yield scene


async def talk(scene: Scene) -> None:
    """Let it be said what the pictures show."""
    lin = scene.people["小林"]
    await scene.say(13, "18:02", "周明", "书到了，一共四箱，先放在后面的储藏间。")
    covers = await scene.say(13, "18:03", "周明", "有两本封面压坏了，我拍照发给出版社了。")
    chairs = await scene.say(13, "18:10", "李禾", "收到。周六的读书会现在报了 23 个人，椅子够吗？", covers)
    await lin.react(LOBBY, covers, "🙏")
    await scene.say(13, "18:12", "小林", "够，楼上还有八把折叠椅。", chairs)
    await scene.say(
        13, "18:20", "Anna Kowalska", "I can bring the projector. Does the adapter from spring still work?"
    )
    new = await scene.say(13, "18:22", "李禾", "转接头换过新的了 👍")
    await scene.people["Anna Kowalska"].react(LOBBY, new, "🎉")
    await lin.react(LOBBY, new, "🎉")
    poster = await scene.say(
        14, "09:14", "周明", "早！海报改好了，大家看看：https://posters.example/reading-night-v3"
    )
    await scene.people["周明"].send(LOBBY, "就是这张。", th=poster)
    await scene.say(
        14, "09:15", "周明", "改了三处：\n1. 时间写成 19:30 开始\n2. 地址加上了「二楼」\n3. 去掉了二维码"
    )
    typo = await scene.say(14, "09:26", "小林", "很好看，就用这版吧。我中午去打印，印 40 张够不够？")
    await lin.edit(LOBBY, typo, "很好看，就用这版吧。我中午去打印，印 40 张够吗？")
    await scene.say(
        14,
        "09:40",
        "Tom Okafor",
        "Quick question: is it in Chinese only, or may I read a short piece in English too?",
    )
    await scene.say(14, "09:41", "李禾", f"当然可以！每人五分钟，中文英文都行。<@{lin.me.id}> 记得排进名单。")
    for name, waiting in (("读书会", 3), ("Poster & print", 0), ("值班表", 1)):
        await make_room(scene, name, waiting)
    scene.clock.set(14, "10:05")


async def make_room(scene: Scene, name: str, waiting: int) -> None:
    """Make a room in which something waits for 小林."""
    made = await scene.people["李禾"].call(wire.CreateRoom(name))
    assert isinstance(made, wire.RoomResult)
    await scene.people["小林"].call(wire.JoinRoom(made.room.id))
    for _ in range(waiting):
        await scene.say(
            14,
            "09:50",
            "李禾",
            f"<@{scene.people['小林'].me.id}>" if waiting == 1 else "…",
            room=made.room.id,
        )


async def be_busy(screen: Shown, scene: Scene) -> None:
    """Let everything be there that the pictures show."""
    await screen.until(lambda: len(screen.chat._rows()) == 4)
    await screen.until(lambda: screen.chat.view is not None and not screen.chat.view.marks.unread)
    screen.timeline.go_to_end()
    scene.people["Anna Kowalska"].type(LOBBY)
    await screen.until(lambda: "Anna Kowalska" in "".join(screen.lines[-8:]))


@pytest.mark.parametrize(
    "picture, size, looks, begun",
    [
        ("terminal-chat-dark", WIDE, {}, "See you "),
        ("terminal-chat-light-zh", WIDE, {"palette": LIGHT, "words": ZH}, "好的，"),
        ("terminal-chat-narrow-zh", NARROW, {"words": ZH}, ""),
    ],
)
async def test_pictures_are_drawn(
    scene: Scene, screenshots: Path, picture: str, size: tuple[int, int], looks: dict[str, Any], begun: str
) -> None:
    """The chat looks as it should in terminals of several sizes, and is kept as pictures."""
    async with scene.look("小林", size, **looks) as screen:
        await be_busy(screen, scene)
        await screen.type(begun)
        await screen.until(lambda: screen.chat.query_one(Composer).text == begun)
        file = screenshots / f"{picture}.svg"
        take_picture(screen.app, file)

        assert file.stat().st_size > 10_000


async def test_outage_is_drawn(scene: Scene, screenshots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a server the picture says so, and shows what waits to be sent."""
    monkeypatch.setattr("random.random", lambda: 0.9)
    async with scene.look("小林", WIDE) as screen:
        await be_busy(screen, scene)
        await scene.stop()
        await screen.type("我到打印店了，这里没有信号。\r")
        await screen.shows("Next try in", "(waiting for the connection…)", "1 message waits")
        file = screenshots / "terminal-chat-away.svg"
        take_picture(screen.app, file)

        assert file.stat().st_size > 10_000
