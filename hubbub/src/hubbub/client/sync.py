"""The sync engine: what a client says to keep its streams complete and to have its writes done once.

A pure machine: frames, the time and what the program asks for go in; frames, news for the program and when to
go on come out.  It knows no connection, no clock and no file.

Invariants:

1. Whoever follows `take_news` has every event of a stream's epoch once, in order, or a reset.
2. Each write ends in one `Stored` or one `Refused`, however often the connection is lost meanwhile.
3. Each question ends in one `Answered`.
4. Nothing is sent but to an open session, save its hello.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Final, TypeAlias

import msgspec

from hubbub import wire
from hubbub.client.backoff import Random
from hubbub.client.link import Link, State
from hubbub.client.news import (
    Answered,
    Happened,
    Named,
    News,
    Opened,
    Overheard,
    Refused,
    Reset,
    Stored,
    Waiting,
    Withheld,
    read_event,
)
from hubbub.client.stream import Level, Stream
from hubbub.client.writes import Request, Writes, nonce_of

# How much longer a frame may become by its number.
_NUMBER_BYTES: Final = 16

Question: TypeAlias = wire.Hist | wire.Log | wire.Call


class Sync:
    """A user's session, over all its connections.

    With `follow` every room is subscribed to that the user belongs to; with `complete` no stream is ever
    reset within an epoch.  Rooms that `at` has go on from there.
    """

    def __init__(
        self,
        client: wire.Client,
        token: str | None,
        random: Random,
        *,
        follow: bool = True,
        complete: bool = False,
        at: Mapping[str, wire.At] | None = None,
    ) -> None:
        self._client = client
        self._token = token
        self._random = random
        self._follow = follow
        self._complete = complete
        self._link = Link(random)
        self._inbox = Stream(wire.ME, complete=complete)
        self._streams = {wire.ME: self._inbox}
        self._writes = Writes(random)
        self._questions: dict[int, Question] = {}
        self._asked: dict[int, Stream] = {}
        self._since: dict[int, float] = {}
        self._reads: dict[str, int] = {}
        self._shown: wire.Pres | None = None
        self._starts = dict(at or {})
        self._most_bytes = wire.FRAME_BYTES - _NUMBER_BYTES
        self._me = ""
        self._paused = False
        self._ids = count(1)
        self._frames: list[str] = []
        self._news: list[News] = []

    # What comes out

    def take_frames(self) -> list[str]:
        """Return what is to be written now, once."""
        frames, self._frames = self._frames, []
        return frames

    def take_news(self) -> list[News]:
        """Return what the program is to be told now, once."""
        news, self._news = self._news, []
        return news

    @property
    def state(self) -> State:
        """Where the connection is."""
        return self._link.state

    @property
    def connect_at(self) -> float | None:
        """When to connect, while there is no connection."""
        return self._link.connect_at

    def is_dead(self, now: float) -> bool:
        """Say whether the connection is to be given up, since too long nothing came that should have."""
        return any(due is not None and now >= due for due in (self._link.silent_at(), self._overdue_at()))

    def due(self) -> float | None:
        """Return when to call `tick` on a connection, unless something else happens before."""
        if self.state is State.OPEN and not self._paused:
            asking = [stream.ask_at for stream in self._streams.values() if stream.is_wanted]
        else:
            asking = []
        times = [self._link.silent_at(), self._overdue_at(), self._writes.due(), *asking]
        return min((time for time in times if time is not None), default=None)

    @property
    def positions(self) -> dict[str, wire.At]:
        """Where the program stands in each stream."""
        return {name: stream.at for name, stream in self._streams.items() if stream.at and stream.is_wanted}

    @property
    def writes(self) -> list[Request]:
        """What is neither done nor refused; the writes to a stream in their order."""
        return list(self._writes)

    @property
    def unanswered(self) -> int:
        """How many writes are neither done nor refused."""
        return len(self._writes)

    # What happens

    def connected(self, now: float) -> None:
        """Say hello on a new connection."""
        self._link.connected(now)
        at = dict(list(self.positions.items())[: wire.STREAMS])
        self._put(wire.Hello(self._client, list(wire.FEATURES), at, self._token))

    def frame_received(self, text: str, now: float) -> None:
        """Take what came; what can't be read is passed over, and asked for again if it was needed."""
        self._link.heard(now)
        try:
            frames = wire.split(text)
        except wire.BadFrameError:
            return
        for frame in frames:
            try:
                said = wire.decode_reply(frame)
            except wire.BadFrameError:
                continue
            self._hear(said, now)
        self._send_writes(now)

    def disconnected(self, code: int | None, reason: str, now: float) -> None:
        """Learn that the connection is gone, or couldn't be had; `code` is None if there was no goodbye."""
        self._part()
        self._news.append(self._link.lost(code, reason, now))
        self._give_back()

    def end(self, retry: wire.Retry, why: str) -> None:
        """Stay away from now on."""
        self._part()
        self._news.append(self._link.end(retry, None, why))
        self._give_back()

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._ask_all(now)
        self._send_writes(now)

    def pause(self) -> None:
        """Tell nothing of streams for a while: the program is behind."""
        self._paused = True

    def resume(self, now: float) -> None:
        """Tell again of streams, beginning with what was left out."""
        self._paused = False
        self._ask_all(now)

    # What the program asks for

    def subscribe(self, stream: str, now: float, level: Level = "full", at: wire.At | None = None) -> None:
        """Follow a stream, from `at` on if nothing is known of it yet."""
        known = self._streams.get(stream)
        if known is None:
            known = self._streams[stream] = Stream(stream, level, complete=self._complete)
            known.at = at or self._starts.get(stream)
        if level != known.level:
            known.level = level
            self._abandon(known)
        known.want()
        self._ask(known, now)

    def unsubscribe(self, stream: str) -> None:
        """Follow a stream no longer."""
        known = self._streams.get(stream)
        if known is None or stream == wire.ME:
            return
        known.is_wanted = False
        self._abandon(known)
        if self.state is State.OPEN:
            self._put(wire.Unsub(next(self._ids), stream))

    def write(self, request: Request, now: float) -> None:
        """Have a write done, once; it needs a nonce, and its number doesn't count.

        Raises:
            UnicodeEncodeError: if it has half of a character, which no frame can have.
        """
        if wire.encode(request).size > self._most_bytes:
            # The server would close the connection, and be sent it again on the next.
            error = wire.Err("too_long", "That is more than a frame may have.", retry=False)
            self._news.append(Refused(nonce_of(request), error))
            return
        self._writes.add(request)
        self._send_writes(now)

    def give_up(self, nonce: str) -> bool:
        """Forget a write, and say whether that was possible: not while the server may be doing it."""
        if nonce not in self._writes or self._writes.is_under_way(nonce):
            return False
        skip = self._writes.give_up(nonce)
        if skip is not None and self.state is State.OPEN:
            self._put(msgspec.structs.replace(skip, id=next(self._ids)))
        return True

    def ask(self, question: Question, now: float) -> int:
        """Ask something that changes nothing, and return the number by which it will be answered."""
        wire.encode(question)
        number = next(self._ids)
        self._questions[number] = msgspec.structs.replace(question, id=number)
        if self.state is State.ENDED:
            self._give_back()
        elif self.state is State.OPEN:
            self._put_question(number, now)
        return number

    def mark_read(self, room: str, q: int) -> None:
        """Say that one has read a room up to `q`, until it is known to have been heard."""
        if q > self._reads.get(room, 0):
            self._reads[room] = q
            self._tell(wire.Read(room, q))

    def mark_unread(self, room: str, q: int) -> None:
        """Say that one has read a room only up to `q`."""
        self._reads.pop(room, None)
        self._tell(wire.Read(room, q, back=True))

    def show(self, state: wire.Presence, text: str | None = None) -> None:
        """Be shown in this state, on later connections as well."""
        self._shown = wire.Pres(state, text)
        self._tell(self._shown)

    def type(self, room: str, *, on: bool) -> None:
        """Be shown as typing, if there is a connection just now."""
        self._tell(wire.Typing(room, on))

    # Hearing

    def _hear(self, said: wire.Said | None, now: float) -> None:
        match said:
            case wire.Event():
                self._event(said, now)
            case wire.Answered():
                self._answered(said, now)
            case wire.Err(id=int(number)):
                self._refused(number, said, now)
            case wire.Ephemeral():
                self._overhear(said, now)
            case wire.Ping():
                self._pinged(said, now)
            case wire.Gap():
                self._gap(said, now)
            case wire.Welcome():
                self._welcome(said, now)
            case wire.Bye():
                self._link.said_goodbye(said)

    def _welcome(self, welcome: wire.Welcome, now: float) -> None:
        self._link.opened(welcome)
        self._me = welcome.me.id
        self._news.append(Opened(welcome))
        self._writes.open(welcome.limits, now)
        self._most_bytes = welcome.limits.frame - _NUMBER_BYTES
        self._inbox.follow(welcome.heads.get(wire.ME))
        self._ask_all(now)
        for number in self._questions:
            self._put_question(number, now)
        for room, q in self._reads.items():
            self._tell(wire.Read(room, q))
        if self._shown is not None:
            self._tell(self._shown)

    def _event(self, event: wire.Event, now: float) -> None:
        stream = self._streams.get(event.s)
        if stream is None or not stream.is_wanted:
            return
        if self._paused:
            stream.hear(event.q)
        elif stream.accept(event):
            self._happened(event, now)
        self._ask(stream, now)

    def _gap(self, gap: wire.Gap, now: float) -> None:
        stream = self._streams.get(gap.s)
        if stream is not None:
            stream.lapse()
            stream.hear(gap.head)
            self._ask(stream, now)

    def _pinged(self, ping: wire.Ping, now: float) -> None:
        self._put(wire.Pong())
        for name, head in ping.heads.items():
            stream = self._streams.get(name)
            if stream is not None:
                stream.hear(head)
                self._ask(stream, now)

    def _overhear(self, ephemeral: wire.Ephemeral, now: float) -> None:
        try:
            body = wire.ephemeral_body_of(ephemeral)
        except wire.BadFrameError:
            return
        if isinstance(body, wire.BadgeInfo) and ephemeral.s is not None:
            self._news.append(Waiting(ephemeral.s, body.head, body.unread, body.mentions))
            stream = self._streams.get(ephemeral.s)
            if stream is not None:
                stream.told_badge(body.head)
        elif body is not None and not self._paused:
            self._news.append(Overheard(ephemeral.s, body, ephemeral.ttl))

    # Answers

    def _answered(self, answered: wire.Answered, now: float) -> None:
        number = answered.id
        request = self._request(number)
        if request is None:
            return
        try:
            answer = wire.decode_answer(request, answered)
        except wire.BadFrameError as error:
            self._refused(number, wire.Err(error.code, str(error), retry=True, id=number), now)
            return
        self._since.pop(number, None)
        if number in self._asked:
            self._copied(self._asked.pop(number), answer, now)
        elif number in self._questions:
            del self._questions[number]
            self._news.append(Answered(number, answer))
        else:
            self._news.append(Stored(self._writes.settle(number), answer))

    def _copied(self, stream: Stream, answer: wire.Answer | wire.Result, now: float) -> None:
        if self._paused or not stream.is_wanted:
            stream.passed_over()
            return
        assert isinstance(
            answer, wire.DeltaOk | wire.RoomResetOk | wire.InboxResetOk | wire.BadgeOk | wire.LogOk
        )
        for given in stream.answer(answer, now, self._random):
            if isinstance(given, wire.Event):
                self._happened(given, now)
            else:
                self._news.append(given)
                self._adopt(given, now)
        self._ask(stream, now)

    def _refused(self, number: int, error: wire.Err, now: float) -> None:
        self._since.pop(number, None)
        if number in self._asked:
            stream = self._asked.pop(number)
            stream.refused(error, now, self._random)
            if not error.retry and not stream.is_wanted:
                self._news.append(Withheld(stream.name, error))
            self._ask(stream, now)
        elif self._questions.pop(number, None) is not None:
            self._news.append(Answered(number, error))
        elif self._writes.sent_as(number) is not None:
            if error.retry:
                self._writes.hold(number, error, now)
            else:
                self._news.append(Refused(self._writes.settle(number), error))

    def _request(self, number: int) -> wire.Request | None:
        if number in self._asked:
            return self._asked[number].asked
        return self._questions.get(number) or self._writes.sent_as(number)

    # What it means

    def _happened(self, event: wire.Event, now: float) -> None:
        happened = read_event(event)
        self._news.append(happened)
        if event.s == wire.ME:
            self._inform(happened, now)
        elif isinstance(happened.body, wire.MemberBody) and self._is_my_end(happened.body):
            # R8: if one is back already, only another subscription brings what followed.
            self._streams[event.s].lapse()

    def _is_my_end(self, change: wire.MemberBody) -> bool:
        return change.user.id == self._me and change.op in {"leave", "kick", "ban"}

    def _inform(self, happened: Happened, now: float) -> None:
        match happened.body:
            case wire.RoomAddedBody(room=room) if self._follow:
                self.subscribe(room.id, now)
            case wire.RoomRemovedBody(room=room_id) if room_id in self._streams:
                # R8: the server sends nothing more of it.
                self._streams[room_id].leave()
                self._abandon(self._streams[room_id])
            case wire.ReadBody(s=room_id, q=q) if q >= self._reads.get(room_id, q + 1):
                del self._reads[room_id]

    def _adopt(self, given: Named | Reset | Waiting, now: float) -> None:
        """Follow the rooms that one belongs to, as far as nobody said which."""
        if isinstance(given, Reset) and isinstance(given.copy, wire.InboxCopy) and self._follow:
            for room in given.copy.rooms:
                self.subscribe(room.id, now)

    # Saying

    def _put(self, frame: wire.Request) -> None:
        self._frames.append(wire.encode(frame).text)

    def _tell(self, frame: wire.Request) -> None:
        if self.state is State.OPEN:
            self._put(frame)

    def _put_question(self, number: int, now: float) -> None:
        self._since[number] = now
        self._put(self._questions[number])

    def _ask(self, stream: Stream, now: float) -> None:
        if self.state is not State.OPEN or self._paused or not stream.is_due(now):
            return
        request = stream.next_request(next(self._ids), now)
        if request is not None:
            self._asked[request.id] = stream
            self._since[request.id] = now
            self._put(request)

    def _ask_all(self, now: float) -> None:
        for stream in list(self._streams.values()):
            self._ask(stream, now)

    def _send_writes(self, now: float) -> None:
        while (request := self._writes.next(number := next(self._ids), now)) is not None:
            self._since[number] = now
            self._put(request)

    # Parting

    def _abandon(self, stream: Stream) -> None:
        """Take nothing for an answer that was asked for before: the server ends what that began."""
        for number in [number for number, asker in self._asked.items() if asker is stream]:
            del self._asked[number]
            self._since.pop(number, None)
        stream.begin()

    def _overdue_at(self) -> float | None:
        """Return when the oldest request will have waited too long: the rest of its answer isn't coming."""
        if self.state is not State.OPEN or not self._since:
            return None
        return next(iter(self._since.values())) + self._link.patience

    def _part(self) -> None:
        self._frames.clear()
        self._asked.clear()
        self._since.clear()
        self._writes.lose()
        for stream in self._streams.values():
            stream.begin()

    def _give_back(self) -> None:
        """Answer what never will be, once there will be no connection any more."""
        if self.state is State.ENDED:
            for number in list(self._questions):
                del self._questions[number]
                error = wire.Err("unavailable", "The session has ended.", retry=False, id=number)
                self._news.append(Answered(number, error))
