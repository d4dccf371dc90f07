"""One stream, kept complete: against a server's answers one by one."""

from __future__ import annotations

import msgspec

from hubbub import wire
from hubbub.client.news import Named, Reset, Waiting
from hubbub.client.stream import Copy, Given, Stream

from .scripted import delta, event, log, refusal, reset


def read(kind: type[msgspec.Struct], raw: dict[str, object]) -> msgspec.Struct:
    """Return a frame as the engine has it."""
    return msgspec.json.decode(msgspec.json.encode(raw), type=kind)


def an_event(q: int) -> wire.Event:
    """Return an event."""
    found = read(wire.Event, event(q))
    assert isinstance(found, wire.Event)
    return found


def answered(stream: Stream, raw: dict[str, object], now: float = 0.0) -> list[object]:
    """Give an answer; return the events' numbers, and the resets' heads in tuples."""
    kinds = {"delta": wire.DeltaOk, "reset": wire.RoomResetOk, "badge": wire.BadgeOk, None: wire.LogOk}
    copy = read(kinds[raw.get("mode")], raw)  # type: ignore[index]
    return numbers(stream.answer(copy, now, lambda: 0.5))  # type: ignore[arg-type]


def reset_of(raw: dict[str, object]) -> wire.RoomResetOk:
    """Return an answer that fills a room anew."""
    found = read(wire.RoomResetOk, raw)
    assert isinstance(found, wire.RoomResetOk)
    return found


def numbers(given: Given) -> list[object]:
    """Return the events' numbers, and the resets' heads in tuples."""
    return [
        (each.head,) if isinstance(each, Reset) else each.q
        for each in given
        if isinstance(each, Reset | wire.Event)
    ]


def filled(q: int, *, complete: bool = False) -> Stream:
    """Return a stream that is at this number."""
    stream = Stream("r_tea", complete=complete)
    stream.next_request(1, 0.0)
    answered(stream, reset(1, q))
    return stream


def refused(stream: Stream, *, retry: bool, after: int | None = None) -> None:
    """Refuse what was asked."""
    error = read(wire.Err, refusal(1, "unavailable", retry=retry, after=after))
    assert isinstance(error, wire.Err)
    stream.refused(error, 10.0, lambda: 0.5)


def test_next_event_is_accepted() -> None:
    """The next is taken, an old one is not, and after a later one the rest is asked for."""
    stream = filled(5)

    assert [stream.accept(an_event(q)) for q in (5, 6, 6, 8, 7)] == [False, True, False, False, True]
    assert stream.next_request(2, 0.0) == wire.Sub(2, "r_tea", (1, 7))


def test_nothing_is_asked_twice() -> None:
    """While an answer is on its way nothing else is asked for, whatever is heard meanwhile."""
    stream = filled(5)
    stream.hear(9)

    assert stream.next_request(2, 0.0) is not None
    stream.hear(10)
    assert stream.next_request(3, 0.0) is None
    assert answered(stream, delta(2, 9, 6, 7, 8, 9)) == [6, 7, 8, 9]
    assert stream.next_request(4, 0.0) == wire.Sub(4, "r_tea", (1, 9))


def test_holed_delta_is_distrusted() -> None:
    """After a delta that isn't whole, everything is asked for anew."""
    stream = filled(5)
    stream.hear(8)
    stream.next_request(2, 0.0)

    assert answered(stream, delta(2, 8, 6, 8)) == [6]
    assert stream.next_request(3, 0.0) == wire.Sub(3, "r_tea")


def test_useless_answers_slow_down() -> None:
    """A server that says there is more, and doesn't give it, isn't asked again at once."""
    stream = filled(5)
    stream.hear(8)
    stream.next_request(2, 0.0)

    assert answered(stream, delta(2, 5)) == []
    assert stream.ask_at == 0.5
    assert stream.next_request(3, 0.4) is None
    assert stream.next_request(3, 0.5) is not None


def test_forgotten_events_are_not_read() -> None:
    """Who reads page by page, and is behind what the server has forgotten, gets a copy after all."""
    stream = filled(5, complete=True)
    stream.hear(2000)
    stream.next_request(2, 0.0)
    assert answered(stream, reset(2, 2000)) == []
    assert stream.next_request(3, 0.0) == wire.Log(3, "r_tea", 5)

    assert answered(stream, log(3, 2000, 8, 9, more=True) | {"gone": 7}) == []
    assert stream.at is None
    assert stream.next_request(4, 10.0) == wire.Sub(4, "r_tea")
    assert answered(stream, reset(4, 2000)) == [(2000,)]


def test_remaining_events_are_read() -> None:
    """What the server has forgotten is no concern of who has it."""
    stream = filled(7, complete=True)
    stream.hear(9)
    stream.next_request(2, 0.0)
    answered(stream, reset(2, 9))
    stream.next_request(3, 0.0)

    assert answered(stream, log(3, 9, 8, 9) | {"gone": 7}) == [8, 9]


def test_epoch_voids_numbers() -> None:
    """Under another epoch the copy counts, though its head is lower."""
    stream = filled(50)
    stream.begin()
    assert stream.next_request(2, 0.0) == wire.Sub(2, "r_tea", (1, 50))

    assert answered(stream, reset(2, 3, epoch=2)) == [(3,)]
    assert stream.at == (2, 3)
    assert stream.accept(an_event(4))


def test_epoch_outlives_distrust() -> None:
    """A copy of another epoch voids the numbers, also after what was there is no longer trusted or had."""
    by_delta, by_leaving, by_page = filled(50), filled(50), filled(50, complete=True)
    for stream in (by_delta, by_leaving):
        stream.hear(60)
    by_delta.next_request(2, 0.0)
    answered(by_delta, delta(2, 5, 4, 5, epoch=2))
    by_leaving.leave()
    by_leaving.want()
    by_page.hear(60)
    by_page.next_request(2, 0.0)
    answered(by_page, reset(2, 60))
    by_page.next_request(3, 0.0)
    answered(by_page, log(3, 60, more=True) | {"gone": 55})

    for stream in (by_delta, by_leaving, by_page):
        assert stream.next_request(4, 100.0) == wire.Sub(4, "r_tea")
        [given] = stream.answer(reset_of(reset(4, 5, epoch=2)), 100.0, lambda: 0.5)
        assert isinstance(given, Reset)
        assert given.renumbered
        assert stream.next_request(5, 1e9) is None


def test_badges_follow_the_epoch() -> None:
    """What was heard of another numbering isn't asked for, nor does it hide what is new in this one."""
    seen, had = Stream("r_tea", "badge"), filled(50)
    had.level = "badge"
    for stream in (seen, had):
        stream.hear(50)
        stream.begin()
        stream.next_request(2, 0.0)
        stream.answer(wire.BadgeOk(2, 2, 3, wire.Marks(0, 1, 0)), 0.0, lambda: 0.5)
        assert stream.next_request(3, 0.0) is None
        stream.hear(4)
        assert stream.next_request(3, 0.0) == wire.Sub(3, "r_tea", lvl="badge")


def test_overtaken_reset_is_dropped() -> None:
    """A copy that is older than what came meanwhile isn't gone back to."""
    stream = filled(5)
    stream.hear(7)
    stream.next_request(2, 0.0)
    assert [stream.accept(an_event(q)) for q in (6, 7)] == [True, True]

    assert answered(stream, reset(2, 6)) == []
    assert stream.at == (1, 7)


def test_shorter_stream_is_believed() -> None:
    """Where the server has less than we said, it is right."""
    stream = filled(5)
    stream.begin()
    stream.next_request(2, 0.0)

    assert answered(stream, reset(2, 4)) == [(4,)]
    assert stream.at == (1, 4)


def test_complete_reader_pages() -> None:
    """Who must see each event reads them page by page, those that come meanwhile too."""
    stream = filled(5, complete=True)
    stream.begin()
    stream.next_request(2, 0.0)

    assert answered(stream, reset(2, 9)) == []
    assert stream.next_request(3, 0.0) == wire.Log(3, "r_tea", 5)
    assert not stream.accept(an_event(10))
    assert answered(stream, log(3, 10, 6, 7, more=True)) == [6, 7]
    assert stream.next_request(4, 0.0) == wire.Log(4, "r_tea", 7)
    assert answered(stream, log(4, 10, 8, 9, 10)) == [8, 9, 10]
    assert stream.next_request(5, 0.0) is None


def test_gap_ends_paging() -> None:
    """When the server has stopped sending it, the page under way counts; then it is subscribed to anew."""
    stream = filled(5, complete=True)
    stream.begin()
    stream.next_request(2, 0.0)
    answered(stream, reset(2, 9))
    stream.next_request(3, 0.0)
    stream.lapse()
    stream.hear(12)

    assert answered(stream, log(3, 12, 6, 7, more=True)) == [6, 7]
    assert stream.next_request(4, 0.0) == wire.Sub(4, "r_tea", (1, 7))


def test_pages_end_with_epoch() -> None:
    """A page of another epoch is not taken; a copy is asked for."""
    stream = filled(5, complete=True)
    stream.begin()
    stream.next_request(2, 0.0)
    answered(stream, reset(2, 9))
    stream.next_request(3, 0.0)

    assert answered(stream, log(3, 9, 6, 7, epoch=2)) == []
    assert stream.next_request(4, 1.0) == wire.Sub(4, "r_tea", (1, 5))
    assert answered(stream, reset(4, 2, epoch=2)) == [(2,)]


def test_refusals_pass_or_stay() -> None:
    """What is refused for now is asked again, after what the server says or ever later; else never."""
    stream = Stream("r_tea")
    asked_at = []
    for after in (None, None, 4_000):
        assert stream.next_request(1, stream.ask_at or 0.0) is not None
        refused(stream, retry=True, after=after)
        asked_at.append(stream.ask_at)
    assert asked_at == [10.5, 11.0, 14.0]

    stream.next_request(1, 14.0)
    refused(stream, retry=False)
    assert not stream.is_wanted
    assert stream.next_request(2, 1e9) is None


def test_server_subscribes_inbox() -> None:
    """What the server subscribes by itself is asked for only where something is missing."""
    same, more, other = filled(5), filled(5), filled(5)
    for stream, head in ((same, None), (more, (1, 6)), (other, (2, 5))):
        stream.begin()
        stream.follow(head)

    assert same.next_request(2, 0.0) is None
    assert more.next_request(2, 0.0) == other.next_request(2, 0.0) == wire.Sub(2, "r_tea", (1, 5))
    assert not other.accept(an_event(6))


def test_badges_are_kept_fresh() -> None:
    """At the level of badges only what waits is asked for, and again when a badge was lost."""
    stream = Stream("r_tea", "badge")
    assert stream.next_request(1, 0.0) == wire.Sub(1, "r_tea", lvl="badge")
    badge = wire.BadgeOk(1, 1, 9, wire.Marks(0, 4, 1))
    assert stream.answer(badge, 0.0, lambda: 0.5) == [Waiting("r_tea", 9, 4, 1)]
    stream.told_badge(10)
    stream.hear(10)
    assert stream.next_request(2, 0.0) is None
    stream.hear(11)
    assert stream.next_request(3, 0.0) is not None


def test_names_come_before_events() -> None:
    """Who the events are by is said before them."""
    stream = filled(5)
    stream.hear(6)
    stream.next_request(2, 0.0)
    copy: Copy = wire.DeltaOk(2, 1, 6, [an_event(6)], {"u_bo": wire.NameInfo("Bo")})

    assert stream.answer(copy, 0.0, lambda: 0.5)[0] == Named("r_tea", {"u_bo": wire.NameInfo("Bo")})
