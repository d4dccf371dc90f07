"""The load: many lean clients of `hubbub.v1` in one process, on the library's event face.

    crowd.py '{"does": "gather", "address": "ws://localhost:8000/v1/realtime", ...}'

It is told all of its task at once, says how it went as one line of JSON, and keeps its connections until it
is ended.

It knows nothing of how servers are started, nor what becomes of the figures; frames only `lean` knows.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from lean import Client, Event, Sender
from tally import Figures, Wrong, now
from town import Town

#: How many connect at the same time, so that they find the server's queue for them empty enough.
AT_ONCE = 200


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done.

    `first` is the number of the first client, and `count` how many there are.  `cpu` are the processes whose
    processor time counts.
    """

    does: str
    address: str
    town: tuple[int, int, int]
    cpu: list[int] = []
    first: int = 0
    count: int = 1
    missed: int = 0
    senders: int = 1
    in_flight: int = 1
    rate: float = 0.0
    warm: float = 0.0
    seconds: float = 1.0
    timed: bool = False


async def enter(
    task: Task, figures: Figures, *, rooms: Callable[[Client, int], Sequence[str]]
) -> list[Client]:
    """Let all clients in, so many at a time, each subscribed to some of its rooms."""
    gate, town = asyncio.Semaphore(AT_ONCE), Town(*task.town)
    clients = []

    async def come(number: int) -> None:
        async with gate:
            begun = now()
            client = Client(task.address, town, task.first + number, figures)
            clients.append(client)
            await client.open()
            await client.subscribe(rooms(client, number))
            figures.add(now() - begun)

    figures.begin()
    await figures.unless_failed(asyncio.gather(*map(come, range(task.count))))
    return clients


async def gather(task: Task, figures: Figures) -> dict[str, Any]:
    """Come with what one has, and get what one has missed; then stay."""
    clients = await enter(task, figures, rooms=lambda client, _: client.rooms)
    said = figures.end()
    events = sum(client.caught_up for client in clients)
    if events != task.missed * task.count:
        raise Wrong(f"{task.missed * task.count} events were missed, and {events} came")
    return said


async def say(task: Task, figures: Figures) -> dict[str, Any]:
    """Write once to each of the first rooms that each belongs to, as many as others are to miss."""
    clients = await enter(task, figures, rooms=lambda *_: ())
    senders = [Sender(client, client.rooms[: task.missed], 1, lambda _: None) for client in clients]
    figures.begin()
    for sender in senders:
        for _ in range(task.missed):
            sender.write(now())
    await figures.unless_failed(asyncio.gather(*(sender.stop() for sender in senders)))
    return figures.end()


async def post(task: Task, figures: Figures) -> dict[str, Any]:
    """Write to rooms, as fast as is answered or at a rate; each room is heard by one of those who write."""
    clients = await enter(task, figures, rooms=lambda client, number: client.rooms[number : number + 1])

    senders = [Sender(client, client.rooms, task.in_flight, figures.add) for client in clients]
    said = await write(task, figures, senders)
    await figures.unless_failed(until_heard(figures, clients, senders))
    return said


async def write(task: Task, figures: Figures, senders: Sequence[Sender]) -> dict[str, Any]:
    """Let them write, and return what came of it after the time of warming."""
    ticking = None
    if task.rate:
        ticking = asyncio.create_task(tick(senders, task.rate))
    else:
        for sender in senders:
            sender.go_on()
    await figures.unless_failed(asyncio.sleep(task.warm))
    figures.begin()
    await figures.unless_failed(asyncio.sleep(task.seconds))
    await figures.unless_failed(figures.enough.wait())
    said = figures.end()
    if ticking is not None:
        ticking.cancel()
    await figures.unless_failed(asyncio.gather(*(sender.stop() for sender in senders)))
    return said


async def tick(senders: Sequence[Sender], rate: float) -> None:
    """Let them write in turn, so many times a second, at moments that have no rhythm."""
    chance = random.Random(1)
    due = now()
    while True:
        for sender in senders:
            due += chance.expovariate(rate)
            if (wait := due - now()) > 0:
                await asyncio.sleep(wait)
            sender.write(due)


async def until_heard(figures: Figures, clients: Sequence[Client], senders: Sequence[Sender]) -> None:
    """Wait until everyone has heard all that was written where they listen."""
    written: Counter[str] = sum((sender.written for sender in senders), Counter())
    while any(client.last[room] != written[room] for client in clients for room in client.hears):
        figures.heard.clear()
        await figures.heard.wait()


async def deliver(task: Task, figures: Figures) -> dict[str, Any]:
    """Write to one room that everyone hears, and count what is heard; how late, if it is `timed`."""
    clients = await enter(task, figures, rooms=lambda client, _: client.rooms)
    for client in clients:
        client.heard = functools.partial(count_event, client, figures, timed=task.timed)
    if task.timed:
        # Whoever wrote it isn't another.
        for client in clients[: task.senders]:
            client.heard = client.follow
    senders = [
        Sender(client, client.rooms, task.in_flight, lambda _: None) for client in clients[: task.senders]
    ]
    said = await write(task, figures, senders)
    await figures.unless_failed(until_heard(figures, clients, senders))
    return said


def count_event(client: Client, figures: Figures, event: Event, *, timed: bool) -> None:
    """Take an event, and count it."""
    client.follow(event)
    figures.add(now() - event.said_at() if timed else None)


WORK = {"gather": gather, "say": say, "post": post, "deliver": deliver}


async def main(task: Task) -> None:
    """Do what is asked, say how it went, and stay; say what is wrong, and go."""
    figures = Figures(task.cpu)
    try:
        said = await WORK[task.does](task, figures)
        print(json.dumps(said), flush=True)
        await figures.failure
    except Wrong as wrong:
        print(wrong, file=sys.stderr, flush=True)
        # What is under way has nothing more to say.
        os._exit(1)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Task)))
