"""One run: clients write, read and are removed while things go wrong; then nothing does any more.

After the faults have stopped, everyone is at the head within minutes.  Then clients are slow, away, and cut
off once more while others write, as clients are in good times too; after that it is within `PATIENCE`.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Final
from unittest.mock import patch

from faults.checker import Violation, check
from faults.history import Record, Settled

from hubbub import wire
from hubbub.client.stream import Stream

from .client import Client
from .database import Database, Write
from .link import Link
from .rules import Rule
from .server import Connection, Node
from .world import World

ROOMS: Final = ("r_tea", "r_milk")
DEVICES: Final = {"ann-1": "ann", "ann-2": "ann", "bo": "bo", "cy": "cy", "dee": "dee"}
GUESTS: Final = ("cy", "dee")
"""Who may be put out."""
COMPLETE: Final = "bo"
"""The device that must see every event."""

TROUBLE: Final = 20.0
WRITING: Final = 14.0
FAULTS: Final = 24
WRITES: Final = 16
"""What each client writes in that time."""
HEALING: Final = 150.0
PATIENCE: Final = 5.0


class Run:
    """One run, whose course depends on nothing but the seed and the rule that it goes without."""

    def __init__(self, seed: int, removed: Rule | None = None) -> None:
        self.world = World(seed, removed)
        self._chance = self.world.chance
        self._database = Database(self.world)
        self._nodes = [Node(self.world, self._database) for _ in range(2)]
        for node in self._nodes:
            node.peers = [peer for peer in self._nodes if peer is not node]
        self._clients = [
            Client(self.world, name, user, self._connect, complete=name == COMPLETE)
            for name, user in DEVICES.items()
        ]
        self._connections: dict[str, Connection] = {}

    def go(self) -> list[Record]:
        """Let it happen, and return what was seen."""
        self._begin()
        self._plan_trouble()
        self.world.run(TROUBLE)
        self._heal()
        self.world.run(HEALING)
        self._settle()
        for disturb in (self._hurry, self._return, self._return, self._return):
            disturb()
            self.world.run(3.0 + PATIENCE)
            self._settle()
        return self.world.history

    def _begin(self) -> None:
        for room in ROOMS:
            for user in sorted(set(DEVICES.values())):
                self._change(room, user, joins=True)
        for client in self._clients:
            self.world.soon(client.go_on)

    def _write(self, client: Client) -> None:
        client.write(self._chance.choice(ROOMS))

    def _connect(self, client: Client) -> Link | None:
        node = self._chance.choice(self._nodes)
        if not node.is_up:
            return None
        link = Link(self.world)
        connection = self._connections[client.name] = Connection(node, link)
        link.join(client, connection)
        return link

    def _change(self, room: str, user: str, *, joins: bool) -> None:
        node = next((node for node in self._nodes if node.is_up), None)
        if node is not None:
            body = {"op": "join" if joins else "kick", "user": user}
            node.write(Write("member", "root", room, body), lambda outcome: None)

    # Trouble

    def _plan_trouble(self) -> None:
        for client in self._clients:
            for _ in range(WRITES):
                self.world.after(self._chance.uniform(0.5, WRITING), partial(self._write, client))
            for _ in range(4):
                self._sometime(lambda client=client: client.mark_read(self._chance.choice(ROOMS)))
        faults = [
            self._cut, self._cut, self._silence, self._slow_down, self._kill, self._crash, self._restart,
            self._put_out, self._put_out_on_return, self._sleep,
        ]  # fmt: skip
        for _ in range(FAULTS):
            self._sometime(self._chance.choice(faults))
        self._sometime(self._database.back_up)
        if self._chance.random() < 0.4:
            self.world.after(TROUBLE * 0.9, self._restore)

    def _sometime(self, act: object) -> None:
        self.world.after(self._chance.uniform(0.5, TROUBLE), act)  # type: ignore[arg-type]

    def _any_client(self) -> Client:
        return self._chance.choice(self._clients)

    def _cut(self) -> None:
        if link := self._any_client().link:
            link.cut()

    def _silence(self) -> None:
        if link := self._any_client().link:
            link.is_silent = True

    def _slow_down(self) -> None:
        self._stall(self._any_client(), 3.0)

    def _stall(self, client: Client, seconds: float) -> None:
        if client.link is not None:
            connection = self._connections[client.name]
            connection.link.is_stalled = True
            self.world.after(seconds, lambda: self._release(connection))

    def _release(self, connection: Connection) -> None:
        connection.link.is_stalled = False
        connection.flush()

    def _kill(self) -> None:
        node = self._chance.choice(self._nodes)
        node.kill()
        self.world.after(self._chance.uniform(0.2, 3.0), node.start)

    def _crash(self) -> None:
        self._database.crash()
        self.world.after(self._chance.uniform(0.1, 2.0), self._database.start)

    def _restart(self) -> None:
        self._any_client().restart()

    def _put_out_on_return(self) -> None:
        """Put someone out for a moment, just when a device of theirs asks for its rooms."""
        client = self._chance.choice([each for each in self._clients if each.user in GUESTS])
        room = self._chance.choice(ROOMS)
        client.sleep(1.0)
        kick = 1.0 + self._chance.uniform(0.0, 0.4)
        self.world.after(kick, partial(self._change, room, client.user, joins=False))
        back = kick + self._chance.uniform(0.01, 0.2)
        self.world.after(back, partial(self._change, room, client.user, joins=True))

    def _sleep(self) -> None:
        self._any_client().sleep(self._chance.uniform(0.5, 4.0))

    def _restore(self) -> None:
        for node in self._nodes:
            node.kill()
            self.world.after(1.0, node.start)
        self._database.restore()
        self.world.after(0.5, self._database.start)

    def _put_out(self) -> None:
        room, user = self._chance.choice(ROOMS), self._chance.choice(GUESTS)
        self._change(room, user, joins=False)
        self.world.after(self._chance.uniform(0.1, 4.0), lambda: self._change(room, user, joins=True))

    # Good times

    def _heal(self) -> None:
        self.world.is_calm = True
        self.world.after(5.0, self._let_all_in)

    def _let_all_in(self) -> None:
        for room in ROOMS:
            for user in GUESTS:
                self._change(room, user, joins=True)

    def _hurry(self) -> None:
        """Write much while one client takes nothing, and another is away."""
        slow, away = self._chance.sample(self._clients, 2)
        self._stall(slow, 2.5)
        away.sleep(2.5)
        for client in (each for each in self._clients if each is not away):
            for _ in range(6):
                self.world.after(self._chance.uniform(0.0, 2.0), partial(self._write, client))

    def _return(self) -> None:
        """Write once to each room, just when one that was away comes back."""
        writer, other = self._chance.sample(self._clients, 2)
        other.sleep(1.5)
        for room in ROOMS:
            self.world.after(1.5 + self._chance.uniform(0.0, 0.3), partial(writer.write, room))

    def _settle(self) -> None:
        state = self._database.state
        standing = {
            client.name: {
                s: client.stands(s) for s in (*ROOMS, f"me:{client.user}") if state.may_read(client.user, s)
            }
            for client in self._clients
        }
        waiting = {client.name: client.waiting for client in self._clients}
        logs = {s: list(log) for s, log in state.logs.items()}
        self.world.history.append(Settled(logs, standing, waiting))


def violations(seed: int, removed: Rule | None = None) -> list[Violation]:
    """Return what is wrong with one run."""
    with ExitStack() as stack:
        if removed is Rule.NEXT:
            stack.enter_context(patch.object(Stream, "accept", _accept_anything))
        return check(Run(seed, removed).go())


def _accept_anything(stream: Stream, event: wire.Event) -> bool:
    if stream.at is None or event.q <= stream.last:
        return False
    stream.at = stream.at[0], event.q
    return True
