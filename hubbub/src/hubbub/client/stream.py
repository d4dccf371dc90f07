"""One stream, kept complete.

Knows numbers: which event comes next, and when to ask for what is missing.  What events mean it doesn't know.

Invariants:

1. Whoever takes what `accept` and `answer` give has every event of an epoch once, in order, or a reset.
2. At most one request for the stream waits for its answer.
3. `at` moves only together with what is given.
4. With `complete` there is no reset within an epoch: what a delta can't hold is read page by page, and only
   what the server has forgotten isn't read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from hubbub import wire
from hubbub.client.backoff import Random, wait_for
from hubbub.client.news import Named, Reset, Waiting

Level = Literal["full", "badge"]
Copy: TypeAlias = wire.DeltaOk | wire.RoomResetOk | wire.InboxResetOk | wire.BadgeOk | wire.LogOk
Given: TypeAlias = list[wire.Event | Named | Reset | Waiting]


class Stream:
    """Where a reader stands in a stream."""

    def __init__(self, name: str, level: Level = "full", *, complete: bool = False) -> None:
        self.name = name
        self.level: Level = level
        self.at: wire.At | None = None
        self.is_wanted = True
        self.ask_at: float | None = None
        """When to ask again, after it was refused for now."""
        self._complete = complete
        self._is_live = False
        self._is_paging = False
        self.asked: wire.Sub | wire.Log | None = None
        """The request that waits for its answer."""
        self._is_let_in = False
        self._epoch: int | None = None
        """The epoch of what was given, when there is no `at` any more."""
        self._seen = 0
        self._badge = 0
        self._failures = 0

    @property
    def last(self) -> int:
        """The number of the last event that was given."""
        return 0 if self.at is None else self.at[1]

    @property
    def _is_behind(self) -> bool:
        if not self._is_live:
            return True
        if self.level == "badge":
            return self._seen > max(self._badge, self.last)
        return self.at is None or self._seen > self.last

    # What happens

    def begin(self) -> None:
        """Start over, as on another connection."""
        self._is_live = self._is_paging = self._is_let_in = False
        self.asked = self.ask_at = None
        # The server may have lost what was heard of, and says itself what there is.
        self._seen = self._badge = 0

    def want(self) -> None:
        """Follow it from now on, even if what was asked before is refused yet."""
        self._is_let_in = self.asked is not None
        self.is_wanted = True

    def leave(self) -> None:
        """Follow it no longer, as one may not; if one may again, it is had afresh."""
        self.is_wanted = False
        if not self._complete:
            self._forget()

    def follow(self, head: wire.At | None) -> None:
        """Take it as subscribed by the server, which says where the stream is if that isn't where we are."""
        if self.at is None or (head is not None and head[0] != self.at[0]):
            return
        self._is_live = True
        if head is not None:
            self.hear(head[1])

    def hear(self, head: int) -> None:
        """Learn how long the stream is."""
        self._seen = max(self._seen, head)

    def told_badge(self, head: int) -> None:
        """Learn what waits there up to `head`, so that nobody needs to ask."""
        self._badge = max(self._badge, head)

    def lapse(self) -> None:
        """Learn that the server has stopped sending it."""
        self._is_live = False

    def accept(self, event: wire.Event) -> bool:
        """Say whether this is the next event; one behind it shows that others are missing."""
        if not self._is_live:
            self.hear(event.q)
            return False
        return self._take_next(event)

    def _take_next(self, event: wire.Event) -> bool:
        if self.at is None or event.q > self.last + 1:
            self.hear(event.q)
            return False
        if event.q <= self.last:
            return False
        self.at = (self.at[0], event.q)
        return True

    # Asking

    def is_due(self, now: float) -> bool:
        """Say whether there is something to ask for."""
        if not self.is_wanted or self.asked is not None or not (self._is_behind or self._is_paging):
            return False
        return self.ask_at is None or now >= self.ask_at

    def next_request(self, request: int, now: float) -> wire.Sub | wire.Log | None:
        """Return what to ask for, if anything is missing and not asked for yet."""
        if not self.is_due(now):
            return None
        self.ask_at = None
        if self._is_paging:
            self.asked = wire.Log(request, self.name, after=self.last)
        else:
            self.asked = wire.Sub(request, self.name, self.at, self.level)
        return self.asked

    def refused(self, error: wire.Err, now: float, random: Random) -> None:
        """Ask again later, or not at all."""
        self.asked = None
        if error.retry:
            self._fail(now, random, error.after)
        elif self._is_let_in:
            self._is_let_in = False
        else:
            self.leave()
            self.lapse()

    def passed_over(self) -> None:
        """Take an answer as never given: nobody has room for it."""
        self.asked = None
        self._is_live = self._is_paging = False

    def answer(self, copy: Copy, now: float, random: Random) -> Given:
        """Return what an answer brings."""
        asked, self.asked = self.asked, None
        given = self._take(copy, asked)
        if given:
            self._failures = 0
        elif self._is_behind and (isinstance(copy, wire.LogOk) or not self._is_paging):
            # What helped nothing would be said again at once, for ever.
            self._fail(now, random, None)
        return given

    def _fail(self, now: float, random: Random, after: int | None) -> None:
        self._failures += 1
        self.ask_at = now + wait_for(after, self._failures, random)

    def _take(self, copy: Copy, asked: wire.Sub | wire.Log | None) -> Given:
        match copy:
            case wire.BadgeOk():
                if self.at is not None and self.at[0] != copy.epoch:
                    self._forget()
                self._is_live = True
                self._badge = copy.head
                return [Waiting(self.name, copy.head, copy.me.unread, copy.me.mentions)]
            case wire.DeltaOk():
                return self._take_delta(copy)
            case wire.LogOk():
                return self._take_page(copy)
            case _:
                return self._take_reset(copy, asked)

    def _take_delta(self, delta: wire.DeltaOk) -> Given:
        if self.at is None or self.at[0] != delta.epoch:
            return self._distrust()
        self._is_live = True
        given = self._accept_all(delta.ev, delta.users)
        if self.last < delta.head:
            # R5: it is complete.  One that isn't can't be trusted to become so.
            given += self._distrust()
        return given

    def _distrust(self) -> Given:
        self._is_live = False
        if self._complete and self.at is not None:
            self._is_live = self._is_paging = True
        else:
            self._forget()
        return []

    def _forget(self) -> None:
        """Have nothing of it, nor believe what was heard of its length; but know its epoch."""
        if self.at is not None:
            self._epoch = self.at[0]
        self.at = None
        self._seen = 0

    def _take_page(self, page: wire.LogOk) -> Given:
        if self.at is None or self.at[0] != page.epoch:
            self._is_live = self._is_paging = False
            return []
        if page.gone > self.last:
            self._is_live = self._is_paging = False
            self._forget()
            return []
        given = self._accept_all(page.ev, page.users)
        self.hear(page.head)
        # Pages of what the server has stopped sending would never end.
        self._is_paging = self._is_live and (page.more or self._is_behind)
        return given

    def _accept_all(self, events: Iterable[wire.Event], users: wire.Names) -> Given:
        accepted: Given = [event for event in events if self._take_next(event)]
        return [Named(self.name, users), *accepted] if accepted else []

    def _take_reset(
        self, reset: wire.RoomResetOk | wire.InboxResetOk, asked: wire.Sub | wire.Log | None
    ) -> Given:
        self._is_live = True
        epoch = self._epoch if self.at is None else self.at[0]
        renumbered = epoch is not None and epoch != reset.epoch
        if self.at is not None and not renumbered and self._goes_without(reset.head, asked):
            return []
        self._seen = reset.head if renumbered else max(self._seen, reset.head)
        self.at = (reset.epoch, reset.head)
        return [Reset(self.name, reset.epoch, reset.head, reset.snap, renumbered)]

    def _goes_without(self, head: int, asked: wire.Sub | wire.Log | None) -> bool:
        """Say whether a reset brings nothing, or nothing that pages wouldn't bring as well."""
        if self._complete and head > self.last:
            self.hear(head)
            self._is_paging = True
            return True
        # Events came while it was made, and closed the gap that it was asked for.
        started = asked.at[1] if isinstance(asked, wire.Sub) and asked.at is not None else 0
        return started <= head < self.last
