"""Whatever people do, what waits for them is what counting says, and events add up to messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from faults.steps import EVERYTHING, PEOPLE, Step, choose_step
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.actions.create_room import create_room
from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.give_role import give_role
from hubbub.actions.invite import invite
from hubbub.actions.join_room import join_room
from hubbub.actions.leave_room import leave_room
from hubbub.actions.mark_read import mark_read
from hubbub.actions.open_lobby import open_lobby
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.actions.remove_member import ban, kick, unban
from hubbub.actions.sign_in_guest import sign_in_guest
from hubbub.domain.errors import ChatError
from hubbub.domain.events import StoredEvent
from hubbub.domain.models import Marks, Message, Role, Sight, User, Visibility
from hubbub.storage import marks, messages, streams
from hubbub.storage.database import Database


@dataclass
class Model:
    """The room as someone would keep it who counts everything each time."""

    read: dict[str, int] = field(default_factory=dict)
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    head: int = 0

    def hear(self, event: StoredEvent) -> None:
        """Take in an event of the room."""
        assert event.q == self.head + 1, "numbers have no holes"
        self.head = event.q
        body = json.loads(event.body)
        if event.kind == "msg.new":
            self._post(event, body)
        elif event.kind == "member":
            self._change_member(event, body)
        elif (message := self.messages.get(body.get("m"))) is not None:
            message["rev"] = event.q
            self._change(event, body, message)

    def _post(self, event: StoredEvent, body: dict[str, Any]) -> None:
        text = body.get("text", "")
        self.messages[event.q] = {
            "rev": event.q,
            "author": event.author,
            "text": text,
            "thread": body.get("th"),
            "said": event.q,
            "edited": None,
            "deleted": None,
            "pinned": None,
            "replies": 0,
            "reactions": {},
            "mentions": {user for user in self.read if f"<@{user}>" in text} - {event.author},
        }
        if "th" in body:
            self.messages[body["th"]]["replies"] += 1
            self.messages[body["th"]]["rev"] = event.q
        elif event.author in self.read:
            self.read[event.author] = event.q

    def _change(self, event: StoredEvent, body: dict[str, Any], message: dict[str, Any]) -> None:
        match event.kind:
            case "msg.edit":
                message |= {"text": body["text"], "said": event.q, "edited": event.ts}
            case "msg.del":
                message |= {
                    "text": "",
                    "deleted": event.ts,
                    "pinned": None,
                    "reactions": {},
                    "mentions": set(),
                }
                if message["thread"] is not None:
                    self.messages[message["thread"]]["replies"] -= 1
                    self.messages[message["thread"]]["rev"] = event.q
            case "pin":
                message["pinned"] = event.q if body["on"] else None
            case "react":
                people = message["reactions"].setdefault(body["e"], [])
                if event.author in people and not body["on"]:
                    people.remove(event.author)
                elif event.author not in people and body["on"]:
                    people.append(event.author)
                if not people:
                    del message["reactions"][body["e"]]

    def _change_member(self, event: StoredEvent, body: dict[str, Any]) -> None:
        user = body["user"]["id"]
        if body["op"] in {"leave", "kick", "ban"}:
            self.read.pop(user, None)
        elif body["op"] == "join":
            self.read.setdefault(user, event.q)

    def count(self, user: str) -> Marks:
        """Count what waits for a member."""
        read = self.read[user]
        waiting = [message for q, message in self.messages.items() if q > read and message["deleted"] is None]
        return Marks(
            read,
            sum(message["thread"] is None for message in waiting),
            sum(user in message["mentions"] for message in waiting),
        )

    def show(self) -> dict[int, dict[str, Any]]:
        """Return all messages, without what a message as it is stored doesn't say."""
        return {
            q: {name: value for name, value in message.items() if name != "mentions"}
            for q, message in self.messages.items()
        }


def as_model(message: Message) -> dict[str, Any]:
    """Return a message as it is stored in the words of the model."""
    names = ("rev", "author", "text", "thread", "said", "edited", "deleted", "pinned", "replies")
    return {name: getattr(message, name) for name in names} | {"reactions": dict(message.reactions)}


class House:
    """A database with people and a room, in which steps are done, and which is audited."""

    def __init__(
        self, database: Database, people: list[User], room: str, announced: list[StoredEvent]
    ) -> None:
        self.database = database
        self.people = people
        self.room = room
        self.model = Model()
        self.done: list[Callable[[], Awaitable[Any]]] = []
        self._announced = announced
        self._hear()

    async def do(self, step: Step) -> None:
        """Do a step, or find it refused, and let the model hear of it."""
        if step[0] == "again":
            if self.done:
                await self._repeat(self.done[step[1] % len(self.done)])
            return
        # What several say at once is stored at once.
        several = step[1:] if step[0] == "crowd" else [step]
        begun = [self._as_request(each, f"nonce-{len(self.done) + n:04}") for n, each in enumerate(several)]
        self.done += begun
        outcomes = await asyncio.gather(*(self._try(doing) for doing in begun))
        assert not any(getattr(outcome, "dup", False) for outcome in outcomes)
        self._hear()

    async def _repeat(self, doing: Callable[[], Awaitable[Any]]) -> None:
        """Send a request again: one that was accepted does nothing, one that was refused may succeed now."""
        outcome = await self._try(doing)
        assert not (self._announced and (outcome is None or getattr(outcome, "dup", False)))
        self._hear()

    async def _try(self, doing: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await doing()
        except ChatError as error:
            refusal = error
        assert refusal.code in {"not_found", "not_member", "forbidden", "invalid", "banned"}
        return None

    def _hear(self) -> None:
        for event in self._announced:
            if event.stream == self.room:
                self.model.hear(event)
            elif event.kind == "read":
                self.model.read[event.stream] = json.loads(event.body)["q"]
        self._announced.clear()

    def _find(self, which: int) -> int:
        """Return the number of a message that is there, if one is."""
        numbers = list(self.model.messages)
        return numbers[which % len(numbers)] if numbers else which

    def _as_request(self, step: Step, nonce: str) -> Callable[[], Awaitable[Any]]:
        kind, who, *more = step
        request = (self.database, self.people[who], self.room, nonce)
        match kind, *more:
            case "post", mentioned, in_thread:
                thread = None if in_thread is None else self._find(in_thread)
                return lambda: post_message(*request, self._text(nonce, mentioned), None, thread)
            case "edit", n, mentioned:
                q = self._find(n)
                return lambda: edit_message(*request, q, self._text(nonce, mentioned))
            case "delete", n:
                q = self._find(n)
                return lambda: delete_message(*request, q)
            case "react", n, emoji, on:
                q = self._find(n)
                return lambda: react(*request, q, emoji, on=on)
            case "pin", n, on:
                q = self._find(n)
                return lambda: pin_message(*request, q, on=on)
            case "read", n, back:
                q = n if n == EVERYTHING else self._find(n)
                return lambda: mark_read(*request[:3], q, back=back)
            case ("join",):
                return lambda: join_room(self.database, self.people[who], nonce, self.room)
            case ("leave",):
                return lambda: leave_room(*request)
            case (("moderator" | "owner"), other):
                return lambda: give_role(*request, self.people[other].id, Role(kind))
            case _, other:
                action = {"kick": kick, "ban": ban, "unban": unban, "invite": invite}[kind]
                return lambda: action(*request, self.people[other].id)
        raise AssertionError(step)

    def _text(self, nonce: str, mentioned: tuple[int, ...]) -> str:
        return nonce + "".join(f"<@{self.people[each].id}>" for each in mentioned)

    async def audit(self) -> None:
        """Compare what is stored with the model, and with counting anew."""

        async def look(connection: AsyncConnection) -> None:
            stored, _ = await messages.read_from(connection, Sight(self.room), 0, 10_000, EVERYTHING)
            found = {user.id: await marks.find(connection, self.room, user.id) for user in self.people}
            wrong = await marks.recount(connection, self.room)
            log = await streams.read_after(connection, self.room, 0)
            [head] = await streams.read_heads(connection, [self.room])
            assert wrong == []
            assert found == {
                user.id: self.model.count(user.id) if user.id in self.model.read else None
                for user in self.people
            }
            assert head.q == self.model.head == len(log)
            assert {message.q: as_model(message) for message in stored} == self.model.show()
            self._audit_log(log, stored)

        await self.database.read(look)

    def _audit_log(self, log: list[StoredEvent], stored: list[Message]) -> None:
        """Read the log from the beginning: what was deleted is in it no more, and all else adds up."""
        latecomer = Model()
        for event in log:
            latecomer.hear(event)
        shown = latecomer.show()
        for message in stored:
            late = shown[message.q]
            assert late["text"] == message.text
            assert (late["deleted"] is None) == (message.deleted is None)
            if message.deleted is None:
                # That a reply was there and is deleted, nobody can tell who comes later.
                assert late["rev"] <= message.rev
                assert late | {"rev": message.rev} == as_model(message)


@pytest.mark.parametrize("seed", range(8))
async def test_marks_are_what_counting_says(
    new_database: Callable[..., AbstractAsyncContextManager[Database]], seed: int
) -> None:
    """After everything that four people can do to a room, nothing is miscounted and nothing is lost."""
    random = Random(seed)
    announced: list[StoredEvent] = []
    times = iter(range(1, 10_000))
    async with new_database(announced.extend, lambda: next(times)) as database:
        await open_lobby(database)
        people = [(await sign_in_guest(database, f"guest {n}")).user for n in range(PEOPLE)]
        made = await create_room(database, people[0], "nonce-room", "garden", "", Visibility.PUBLIC)
        for user in people[1:]:
            await join_room(database, user, "nonce-join", made.room.id)
        house = House(database, people, made.room.id, announced)
        for _ in range(60):
            await house.do(choose_step(random))
            await house.audit()
