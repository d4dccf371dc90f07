"""A server's rules in few words: one of several processes on one database.

Invariants, while every rule is kept:

1. A connection's writes go to the database in their order, and an answer comes after the commit.
2. What a node sends of a stream it sends in order; it heals from the database what the bus has lost.
3. To a connection goes all of a stream after its snapshot, or a gap is said.
4. What a connection asks to read is read in its order, one after another; only writes go on meanwhile.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from faults.history import Delivered, Denied, Entry, Held

from hubbub import wire

from .database import Database, Outcome, State, Write
from .link import Link
from .rules import Rule
from .showing import LIMITS, event_of, reset_of, stream_name
from .world import World

HEARTBEAT: Final = 25.0
DELTA: Final = 8
"""So few events fit into a delta, or on a page."""
QUEUE: Final = 10
"""So few events wait for a slow connection."""
BATCH: Final = 4

Answer = Callable[[Outcome | None], None]


class Node:
    """A process: it writes, it hears of what is written, and passes it on."""

    def __init__(self, world: World, database: Database) -> None:
        self.world, self.database = world, database
        self.peers: list[Node] = []
        self.is_up = True
        self.starts = 0
        self._empty()
        world.every(1.0, self._reconcile)
        world.every(HEARTBEAT, self._beat)

    def _empty(self) -> None:
        self.connections: list[Connection] = []
        self.last: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._fetching: set[str] = set()
        self._queue: deque[tuple[Write, Answer]] = deque()
        self._is_writing = False

    def kill(self) -> None:
        """Stop at once, and lose everything that isn't in the database."""
        self.is_up = False
        self.starts += 1
        for connection in list(self.connections):
            connection.link.cut()
        self._empty()

    def start(self) -> None:
        """Be there again."""
        self.is_up = True

    def as_alive(self, act: Callable[..., None]) -> Callable[..., None]:
        """Return what does this, unless the process has stopped meanwhile."""
        starts = self.starts

        def act_if_alive(*arguments: object) -> None:
            if self.is_up and starts == self.starts:
                act(*arguments)

        return act_if_alive

    # Writing

    def write(self, write: Write, answer: Answer) -> None:
        """Have something stored, after what was given before."""
        self._queue.append((write, answer))
        self._write_next()

    def _write_next(self) -> None:
        if self._is_writing or not self._queue:
            return
        self._is_writing = True
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        if not self.world.has(Rule.COMMIT):
            for _, answer in batch:
                answer(Outcome())
        done = self.as_alive(lambda outcomes: self._written([answer for _, answer in batch], outcomes))
        self.database.commit([write for write, _ in batch], done)

    def _written(self, answers: list[Answer], outcomes: list[Outcome] | None) -> None:
        self._is_writing = False
        if outcomes is None:
            # What was taken later shall not be done before what must be sent again.
            answers += [answer for _, answer in self._queue]
            self._queue.clear()
        for number, answer in enumerate(answers):
            if self.world.has(Rule.COMMIT):
                answer(None if outcomes is None else outcomes[number])
        for outcome in outcomes or []:
            for entry in outcome.entries:
                self._publish(entry)
        self._write_next()

    # Hearing

    def _publish(self, entry: Entry) -> None:
        self._hear(entry)
        for peer in self.peers:
            # Even in good times the bus promises nothing.
            if self.world.chance.random() < 0.8:
                hear = peer.as_alive(peer._hear)
                self.world.after(self.world.chance.uniform(0.001, 0.2), partial(hear, entry))

    def _hear(self, entry: Entry) -> None:
        self._heard[entry.s] = max(self._heard.get(entry.s, 0), entry.q)
        last = self.last.get(entry.s)
        if last is not None and entry.q == last + 1:
            self._pass_on(entry)
        elif last is not None and entry.q > last:
            self.fetch(entry.s)

    def _pass_on(self, entry: Entry) -> None:
        self.last[entry.s] = entry.q
        for connection in list(self.connections):
            connection.event(entry)

    def fetch(self, s: str) -> None:
        """Read from the database what is missing of a stream."""
        if s not in self._fetching:
            self._fetching.add(s)
            self.database.read(self.as_alive(lambda state: self._fetched(s, state)))

    def _fetched(self, s: str, state: State | None) -> None:
        self._fetching.discard(s)
        for entry in [] if state is None else state.after(s, self.last[s]):
            self._pass_on(entry)
        if state is not None and self._heard.get(s, 0) > self.last[s] and self.world.has(Rule.NUMBER):
            self.fetch(s)

    def watch(self, s: str, head: int) -> None:
        """Follow a stream that was read up to `head`."""
        if s not in self.last:
            self.last[s] = head
            if self._heard.get(s, 0) > head:
                self.fetch(s)

    def _reconcile(self) -> None:
        if self.is_up and self.database.is_up and self.world.has(Rule.RECONCILE):
            for s, last in list(self.last.items()):
                if self.database.state.head(s) > last:
                    self.fetch(s)

    def _beat(self) -> None:
        for connection in list(self.connections):
            connection.beat()


@dataclass
class Subscription:
    """A stream that goes to a connection; until its snapshot was sent, what comes waits."""

    after: int | None = None
    waiting: list[Entry] = field(default_factory=list)


@dataclass
class Waiting:
    """A frame that waits for a slow connection; one without text is the gap of its stream."""

    text: str | None
    s: str | None = None


class Connection:
    """One session."""

    def __init__(self, node: Node, link: Link) -> None:
        self.node, self.link = node, link
        self.user: str | None = None
        self._world = node.world
        self._subscriptions: dict[str, Subscription] = {}
        self._refused: dict[str, wire.Send] = {}
        self._queue: deque[Waiting] = deque()
        self._gaps: dict[str, int] = {}
        self._is_answered = True
        self._asked: deque[wire.Request] = deque()
        self._is_reading = False
        node.connections.append(self)

    def closed(self) -> None:
        """Learn that the link is gone."""
        if self in self.node.connections:
            self.node.connections.remove(self)

    def beat(self) -> None:
        """Ask whether the client is there, and say how far its streams are."""
        if not self._is_answered:
            self.link.leave(up=False)
            self.closed()
        elif self.user is not None and not self._queue:
            self._is_answered = False
            heads = {stream_name(s): self.node.last.get(s, 0) for s in self._subscriptions}
            self._say(wire.Ping(heads if self._world.has(Rule.HEADS) else {}))

    # Requests

    def received(self, text: str) -> None:
        """Take a frame."""
        frame = wire.decode(text)
        if isinstance(frame, wire.Pong):
            self._is_answered = True
        else:
            self._asked.append(frame)
            self._take_next()

    def _take_next(self) -> None:
        while self._asked and not self._is_reading:
            self._take_up(self._asked.popleft())

    def _take_up(self, frame: wire.Request) -> None:
        match frame:
            case wire.Hello():
                self.user = frame.token or ""
                self._read(lambda state: self._greet(frame, state))
            case wire.Sub():
                self._subscribe(frame)
            case wire.Log():
                self._read(lambda state: self._show_log(frame, state))
            case wire.Send():
                self._offer(frame)
            case wire.Read():
                self._mark(frame)

    def _read(self, answer: Callable[[State | None], None]) -> None:
        """Read, and answer; what was asked for later waits until that is `_done`."""
        self._is_reading = True
        self.node.database.read(self.node.as_alive(answer))

    def _done(self) -> None:
        self._is_reading = False
        self._take_next()

    def _done_soon(self, act: Callable[[], None]) -> None:
        """Answer in a while: to say no takes as long as to say yes."""

        def do() -> None:
            act()
            self._done()

        self._world.soon(self.node.as_alive(do))

    def _stream(self, name: str) -> str:
        return f"me:{self.user}" if name == wire.ME else name

    def _greet(self, hello: wire.Hello, state: State | None) -> None:
        if state is None:
            self.link.cut()
            return
        s = self._stream(wire.ME)
        at, now = hello.at.get(wire.ME), (state.epoch, state.head(s))
        self._begin(s, Subscription(), now[1])
        me = wire.MeInfo(self.user or "", self.user or "", "guest")
        heads = {} if at == now else {wire.ME: now}
        self._say(wire.Welcome("s", me, 0, HEARTBEAT, LIMITS, heads))
        self._done()

    def _subscribe(self, sub: wire.Sub) -> None:
        s, subscription = self._stream(sub.s), Subscription()
        if self._world.has(Rule.REGISTER):
            self._subscriptions[s] = subscription
            self._forget(s)
        self._read(lambda state: self._answer_sub(sub, s, subscription, state))

    def _answer_sub(self, sub: wire.Sub, s: str, subscription: Subscription, state: State | None) -> None:
        if state is None:
            self._end(s)
            self._refuse(sub.id, "unavailable")
            self._done()
        elif self._world.has(Rule.RIGHTS) and not state.may_read(self.user or "", s):
            self._end(s)
            self._done_soon(lambda: self._refuse(sub.id, "not_member"))
        else:
            copy = self._copy(sub, s, state)
            self._done_soon(lambda: self._fill(s, subscription, copy))

    def _copy(
        self, sub: wire.Sub, s: str, state: State
    ) -> wire.DeltaOk | wire.RoomResetOk | wire.InboxResetOk:
        epoch, q = sub.at or (0, 0)
        head = state.head(s)
        missing = state.after(s, q)
        is_short = len(missing) <= DELTA or not self._world.has(Rule.BOUND)
        if epoch != state.epoch or q > head or (not is_short and self._world.has(Rule.ALL)):
            return reset_of(sub.id, self.user or "", s, state)
        if not is_short:
            missing = missing[:DELTA]
            head = missing[-1].q
        self._world.history.append(Held("delta", len(missing), DELTA))
        return wire.DeltaOk(sub.id, state.epoch, head, self._events(missing), {})

    def _events(self, entries: list[Entry]) -> list[wire.Event]:
        for entry in entries:
            self._world.history.append(Delivered(self.user or "", entry.s, entry.q))
        return [event_of(entry) for entry in entries]

    def _fill(
        self,
        s: str,
        subscription: Subscription,
        copy: wire.DeltaOk | wire.RoomResetOk | wire.InboxResetOk,
    ) -> None:
        self._say(copy)
        self._begin(s, subscription, copy.head)

    def _begin(self, s: str, subscription: Subscription, head: int) -> None:
        if not self._world.has(Rule.REGISTER):
            self._forget(s)
        subscription.after = head
        self._subscriptions[s] = subscription
        self.node.watch(s, head)
        for entry in subscription.waiting:
            self.event(entry)

    def _end(self, s: str) -> None:
        self._subscriptions.pop(s, None)

    def _show_log(self, log: wire.Log, state: State | None) -> None:
        s = self._stream(log.s)
        if state is None:
            self._refuse(log.id, "unavailable")
        elif not state.may_read(self.user or "", s):
            self._refuse(log.id, "not_member")
        else:
            entries = state.after(s, log.after)
            page = self._events(entries[:DELTA])
            self._say(wire.LogOk(log.id, state.epoch, state.head(s), page, len(entries) > DELTA, {}))
        self._done()

    # Writes

    def _offer(self, send: wire.Send) -> None:
        first = self._refused.get(send.s, send)
        if first.n != send.n and self._world.has(Rule.LANE):
            self._refuse(send.id, "unavailable")
        elif self._world.goes_wrong(0.03):
            self._refused[send.s] = send
            self._refuse(send.id, "too_many_requests", after=200)
        else:
            self._refused.pop(send.s, None)
            write = Write("msg.new", self.user or "", send.s, {"n": send.n, "text": send.d.text})
            self._take(write, self.node.as_alive(lambda outcome: self._answer(send, outcome)))

    def _take(self, write: Write, answer: Answer) -> None:
        if self._world.has(Rule.FIFO):
            self.node.write(write, answer)
        else:
            self._world.soon(self.node.as_alive(lambda: self.node.write(write, answer)))

    def _answer(self, send: wire.Send, outcome: Outcome | None) -> None:
        if outcome is None:
            # One that came later may have been refused before.
            first = self._refused.get(send.s, send)
            self._refused[send.s] = min(send, first, key=lambda each: each.id)
            self._refuse(send.id, "unavailable")
        elif outcome.code is not None:
            self._world.history.append(Denied(self.user or "", send.n))
            self._refuse(send.id, outcome.code)
        else:
            self._say(wire.SendOk(send.id, outcome.q, 0, outcome.is_repeated))

    def _mark(self, read: wire.Read) -> None:
        self.node.write(Write("read", self.user or "", read.s, {"q": read.q}), lambda outcome: None)

    def _refuse(self, request: int, code: str, after: int | None = None) -> None:
        self._say(wire.Err(code, "no", wire.ERRORS[code], request, after))

    # Events

    def event(self, entry: Entry) -> None:
        """Pass on an event, if it is asked for."""
        subscription = self._subscriptions.get(entry.s)
        if subscription is None:
            return
        if subscription.after is None:
            subscription.waiting.append(entry)
        elif entry.q > subscription.after:
            self._give(entry)
            if self._removes(entry) and self._world.has(Rule.REMOVAL):
                self._end(entry.s)

    def _removes(self, entry: Entry) -> bool:
        return entry.k == "member" and entry.d["op"] != "join" and entry.d["user"] == self.user

    def _give(self, entry: Entry) -> None:
        if entry.s in self._gaps:
            self._gaps[entry.s] = entry.q
            return
        [event] = self._events([entry])
        self._queue.append(Waiting(wire.encode(event).text, entry.s))
        self.flush()

    def _forget(self, s: str) -> None:
        self._gaps.pop(s, None)
        self._queue = deque(each for each in self._queue if each.s != s)

    def _say(self, frame: wire.Reply) -> None:
        self._queue.append(Waiting(wire.encode(frame).text))
        self.flush()

    def flush(self) -> None:
        """Write what may be written, and leave out what is too much."""
        while self._queue and not self.link.is_stalled:
            waiting = self._queue.popleft()
            text = waiting.text
            if text is None and waiting.s is not None:
                text = wire.encode(wire.Gap(stream_name(waiting.s), self._gaps[waiting.s])).text
            self.link.send(text or "", up=False, loss=0.002 if waiting.s is None else 0.1)
        self._make_room()

    def _make_room(self) -> None:
        lengths = Counter(each.s for each in self._queue if each.s and each.text)
        if lengths.total() > QUEUE and self._world.has(Rule.QUEUE):
            if self._world.has(Rule.GAP):
                [(longest, _)] = lengths.most_common(1)
                self._collapse(longest or "")
            else:
                self._queue.pop()
            lengths = Counter(each.s for each in self._queue if each.s and each.text)
        self._world.history.append(Held("queue", lengths.total(), QUEUE))

    def _collapse(self, s: str) -> None:
        place = next(number for number, each in enumerate(self._queue) if each.s == s)
        kept = list(self._queue)
        kept[place] = Waiting(None, s)
        self._gaps[s] = self.node.last[s]
        self._queue = deque(each for each in kept if each.s != s or each.text is None)
