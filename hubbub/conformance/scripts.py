"""What may happen to a client, and what it has to do then: a script for each.

Every script has the client to itself: it starts it, lets something happen, and sees what it says and shows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from rules import BrokenError, Case, Finding, Verdict, expect, same
from scripted import ROOM, TOKEN, Line, Story, Testee, Theatre, open_theatre
from stage import PATIENCE, Transcript

from fullduplex import ConnectionClosed
from hubbub import wire

ALONE: Final = 2.0
"""Seconds after which a client that is to come back would have come: it waits up to one."""

_SEND_OR_PONG: Final[Any] = wire.Send | wire.Pong

Play = Callable[["Scene"], Awaitable[None]]
SCRIPTS: Final[list[tuple[str, str, Play]]] = []


class Scene:
    """One script's client and server, and the room's story."""

    def __init__(self, theatre: Theatre, testee: Testee) -> None:
        self.theatre = theatre
        self.testee = testee
        self.story = Story("one", "two")

    async def begin(self) -> Line:
        """Let the client come, and have the room."""
        await self.testee.start(self.theatre.address, TOKEN, ROOM)
        line = await self.theatre.arrive()
        await line.welcome(self.story)
        await line.say(self.story.reset(await line.hear(wire.Sub)))
        await self.shows()
        return line

    async def resume(self) -> tuple[Line, wire.Sub]:
        """Let the client come back, and return how it asks for the room."""
        line = await self.theatre.arrive()
        await line.welcome(self.story)
        return line, await line.hear(wire.Sub)

    async def shows(self, *texts: str) -> None:
        """Go on when the client has the room as it is, or as these texts.

        Raises:
            BrokenError: if it doesn't get there.
        """
        wanted = list(texts) or self.story.texts
        try:
            async with asyncio.timeout(PATIENCE):
                await self.testee.wait_texts(wanted)
        except TimeoutError:
            raise BrokenError(f"the client doesn't have the room as it is: {wanted}") from None

    async def heal(self, line: Line, have: int) -> None:
        """Let the client ask for what it lacks, from the event that it has, and give it that.

        Raises:
            BrokenError: if it asks otherwise.
        """
        sub = await line.hear(wire.Sub)
        same((sub.s, sub.at), (ROOM, (self.story.epoch, have)), "what the client asks for")
        await line.say(self.story.delta(sub))
        await self.shows()

    async def store(self, line: Line, send: wire.Send) -> None:
        """Store a message of the client once, answer, and tell everyone."""
        stored = self.story.find(send.n)
        event = stored or self.story.add(send.d.text, send.n)
        await line.say(wire.SendOk(send.id, event.q, event.ts, stored is not None))
        if stored is None:
            await line.say(event)


def script(rule: str) -> Callable[[Play], Play]:
    """Make a function a script for a rule; its docstring is the title."""

    def add(play: Play) -> Play:
        SCRIPTS.append((rule, (play.__doc__ or "").splitlines()[0].rstrip("."), play))
        return play

    return add


async def judge(make: Callable[[], Testee], rules: Sequence[str] = ()) -> AsyncIterator[Finding]:
    """Play every script, or those for some rules, each to a client of its own."""
    for rule, title, play in SCRIPTS:
        if not rules or rule in rules:
            yield await _play(make(), rule, title, play)


async def _play(testee: Testee, rule: str, title: str, play: Play) -> Finding:
    start, transcript = time.monotonic(), Transcript()
    verdict, why = Verdict.KEPT, ""
    async with open_theatre(transcript) as theatre:
        try:
            await play(Scene(theatre, testee))
        except (BrokenError, ConnectionClosed) as error:
            verdict, why = Verdict.BROKEN, str(error)
        finally:
            await testee.stop()
    frames = transcript.lines() if verdict is Verdict.BROKEN else ()
    look = Case(rule, title, _unused, patient=False)
    return Finding(look, verdict, time.monotonic() - start, why, frames)


async def _unused(stage: object) -> None:
    """Stand where a case of a server has its look."""


@script("R4")
async def gap_is_healed(scene: Scene) -> None:
    """At an event that isn't the next, the client asks from the last that it has."""
    line = await scene.begin()
    await line.say(scene.story.add("three"))
    scene.story.add("four, which is lost")
    await line.say(scene.story.add("five"))
    await scene.heal(line, 3)


@script("R4")
async def doubles_are_ignored(scene: Scene) -> None:
    """An event that comes twice happens once, and nothing is asked."""
    line = await scene.begin()
    third = scene.story.add("three")
    await line.say(third, third, scene.story.events[0])
    await line.settle()
    await scene.shows()


@script("R4")
async def lost_tail_is_found(scene: Scene) -> None:
    """By the heads of ping the client finds that the last event was lost."""
    line = await scene.begin()
    scene.story.add("three, which is lost")
    await line.say(wire.Ping({wire.ME: 1, ROOM: 3}))
    await scene.heal(line, 2)


@script("R4")
async def left_out_is_asked_for(scene: Scene) -> None:
    """After a gap the client subscribes again from what it has."""
    line = await scene.begin()
    scene.story.add("three, which is left out")
    await line.say(wire.Gap(ROOM, 3))
    await scene.heal(line, 2)


@script("R5")
async def reset_replaces_everything(scene: Scene) -> None:
    """After a reset the client has the copy, and nothing from before."""
    line = await scene.begin()
    await line.close(1012, bye=wire.Bye(1012, "restarting", "resume", 0))
    line, sub = await scene.resume()
    same(sub.at, (scene.story.epoch, 2), "where the client goes on")
    scene.story = Story("another", "room", "altogether")
    scene.story.epoch = 8
    await line.say(scene.story.reset(sub))
    await line.say(scene.story.add("and on"))
    await line.settle()
    await scene.shows()


@script("R2")
async def lost_ok_is_asked_again(scene: Scene) -> None:
    """Who has no answer sends the same again, and has one message in the end."""
    line = await scene.begin()
    await scene.testee.send("mine")
    first = await line.hear(wire.Send)
    scene.story.add(first.d.text, first.n)
    await line.close(1012, bye=wire.Bye(1012, "restarting", "resume", 0))
    line, sub = await scene.resume()
    await line.say(scene.story.delta(sub))
    again = await line.hear(wire.Send)
    same((again.n, again.d), (first.n, first.d), "what is sent again")
    await scene.store(line, again)
    await line.settle()
    await scene.shows()


@script("R2")
async def refused_is_sent_again_first(scene: Scene) -> None:
    """What may be tried again is sent again with its nonce, and before what was written after it."""
    line = await scene.begin()
    await scene.testee.send("first")
    first = await line.hear(wire.Send)
    await scene.testee.send("second")
    await line.say(_slow_down(first), wire.Ping())
    # What comes before the pong may have been under way already, and is refused for the same reason.
    while isinstance(under_way := await line.hear(_SEND_OR_PONG), wire.Send):
        await line.say(_slow_down(under_way))
    again = await line.hear(wire.Send)
    same(again.d.text, "first", "what is sent again")
    same(again.n, first.n, "the nonce of what is sent again")
    await scene.store(line, again)
    second = await line.hear(wire.Send)
    same(second.d.text, "second", "what is sent then")
    await scene.store(line, second)
    await scene.shows()


def _slow_down(send: wire.Send) -> wire.Err:
    return wire.Err("too_many_requests", "Slow down.", True, send.id, 50)


@script("R2")
async def refused_for_good_is_left(scene: Scene) -> None:
    """What is refused for good isn't sent again, and holds up nothing."""
    line = await scene.begin()
    await scene.testee.send("impossible")
    first = await line.hear(wire.Send)
    await line.say(wire.Err("invalid", "This makes no sense.", False, first.id))
    await line.settle()
    await scene.testee.send("possible")
    second = await line.hear(wire.Send)
    same(second.d.text, "possible", "what is sent after what was refused for good")
    expect(second.n != first.n, "a nonce is used for something else")
    await scene.store(line, second)
    await scene.shows()


@script("R10")
async def unknown_is_passed_over(scene: Scene) -> None:
    """Frames, kinds and fields that aren't known are passed over, and their numbers count."""
    line = await scene.begin()
    await line.say('{"t":"dance","s":"r_script"}', '{"t":"eph","k":"dance","d":{},"s":"r_script"}')
    dance = scene.story.add("")
    dance.k = "msg.dance"
    await line.say(dance)
    three = wire.encode(scene.story.add("three")).text
    await line.say(three[:-1] + ',"colour":"red"}')
    await line.settle()
    await scene.shows("one", "two", "three")


@script("closing")
async def closed_to_resume_comes_back(scene: Scene) -> None:
    """After a close without a word, and after one by a code to resume, the client comes back by itself."""
    line = await scene.begin()
    for code in (1011, 4002, 4042):
        await line.close(code)
        line, sub = await scene.resume()
        same(sub.at, (scene.story.epoch, len(scene.story.events)), "where the client goes on")
        await line.say(scene.story.delta(sub))
        await line.say(scene.story.add(f"after {code}"))
        await scene.shows()


@script("closing")
async def closed_for_good_stays_away(scene: Scene) -> None:
    """After a close by a code that says never, the client doesn't come back."""
    line = await scene.begin()
    await line.close(4403)
    await scene.theatre.stay_alone(ALONE)


@script("closing")
async def bye_is_right(scene: Scene) -> None:
    """What bye says holds, whatever the code of the close would."""
    line = await scene.begin()
    await line.close(4000, bye=wire.Bye(4000, "no more", "never"))
    await scene.theatre.stay_alone(ALONE)
