"""The sync engine, against a server in script and one that does things wrong at random."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub import wire
from hubbub.client.link import State
from hubbub.client.news import Answered, Ended, Happened, Lost, Refused, Reset, Stored, Withheld

from .model import Server
from .scripted import Desk, delta, event, inbox, log, make_send, refusal, reset, stored

ROOMS = ("r_tea", "r_milk")


def opened(**options: Any) -> Desk:
    """Return a desk with an open session, whose own stream is known."""
    desk = Desk(**options)
    [asked] = desk.open()
    desk.say(inbox(asked["id"]))
    desk.sync.take_news()
    return desk


def test_hello_says_all() -> None:
    """The first frame says who speaks, and where it stands in each stream."""
    desk = opened()
    desk.subscribe(5)
    desk.lose()
    desk.sync.connected(desk.now)
    [hello] = desk.heard()

    assert hello["token"] == "token"
    assert hello["at"] == {"me": [1, 0], "r_tea": [1, 5]}
    assert desk.sync.state is State.OPENING


def test_gap_is_healed() -> None:
    """An event that isn't the next makes the client ask, once, and is told in its turn."""
    desk = opened()
    desk.subscribe(5)

    [asked] = desk.say(event(6), event(8), event(9))
    assert (asked["t"], asked["at"]) == ("sub", [1, 6])
    assert desk.say(delta(asked["id"], 9, 7, 8, 9), event(10)) == []
    assert desk.told() == [6, 7, 8, 9, 10]


def test_duplicates_and_old_are_ignored() -> None:
    """What was told isn't told again, however it comes."""
    desk = opened()
    desk.subscribe(5)

    assert desk.say(event(6), event(6), event(3)) == []
    assert desk.told() == [6]


def test_heartbeat_heals_tail() -> None:
    """A ping is answered, and its heads show that the last event was lost."""
    desk = opened()
    desk.subscribe(5)

    pong, asked = desk.say({"t": "ping", "heads": {"r_tea": 6, "r_unknown": 4}})
    assert pong == {"t": "pong"}
    assert (asked["t"], asked["at"]) == ("sub", [1, 5])


def test_slow_stream_is_resumed() -> None:
    """After a gap the stream is asked for from where one is."""
    desk = opened()
    desk.subscribe(5)

    [asked] = desk.say({"t": "gap", "s": "r_tea", "head": 7})
    assert asked["at"] == [1, 5]
    desk.say(delta(asked["id"], 7, 6, 7))
    assert desk.told() == [6, 7]


def test_unknown_is_passed_over() -> None:
    """Frames, kinds and fields that nobody knows yet change nothing, and their numbers count."""
    desk = opened()
    desk.subscribe(5)

    said = desk.say(
        {"t": "news", "id": 1},
        event(6, k="poll.new", a=1),
        event(7) | {"new": 1},
        {"t": "eph", "k": "x", "d": {}},
    )
    assert said == []
    assert desk.told() == [6, 7]


@pytest.mark.parametrize("text", ["", "[", "{}", '{"t":"ev"}', '{"t":"ok","id":"x"}', "[1,2]", "null"])
def test_nonsense_is_passed_over(text: str) -> None:
    """What is no frame does nothing, and nothing else suffers."""
    desk = opened()
    desk.subscribe(5)
    desk.sync.frame_received(text, desk.now)

    assert desk.heard() == []
    desk.say(event(6))
    assert desk.told() == [6]


def test_batch_is_read_in_order() -> None:
    """Frames that come as one are taken one by one."""
    desk = opened()
    desk.subscribe(5)
    desk.sync.frame_received(wire.join([]).text, desk.now)
    desk.say([event(6), event(7)])  # type: ignore[arg-type]

    assert desk.told() == [6, 7]


def test_resume_asks_for_rest() -> None:
    """On another connection each stream goes on from where it was."""
    desk = opened()
    desk.subscribe(5)
    desk.lose()
    [asked] = desk.open(heads={"r_tea": [1, 7]})

    assert (asked["t"], asked["s"], asked["at"]) == ("sub", "r_tea", [1, 5])
    desk.say(delta(asked["id"], 7, 6, 7))
    assert desk.told() == [6, 7]


def test_new_epoch_resets() -> None:
    """Under another epoch the program is told anew, and that older numbers mean nothing."""
    desk = opened()
    desk.subscribe(50)
    desk.lose()
    [asked] = desk.open()
    desk.say(reset(asked["id"], 3, epoch=2))
    [news] = [each for each in desk.sync.take_news() if isinstance(each, Reset)]

    assert (news.epoch, news.head, news.renumbered) == (2, 3, True)
    assert desk.say(event(4)) == []
    assert desk.told() == [4]


def test_bot_sees_every_event() -> None:
    """Whoever asked for all of it gets pages where others get a copy."""
    desk = opened(complete=True)
    desk.subscribe(5)
    desk.lose()
    [asked] = desk.open()
    [page] = desk.say(reset(asked["id"], 8))
    assert (page["t"], page["after"]) == ("log", 5)
    [page] = desk.say(event(9), log(page["id"], 9, 6, 7, more=True))
    desk.say(log(page["id"], 9, 8, 9))

    assert desk.told() == [6, 7, 8, 9]


def test_lost_ok_is_asked_again() -> None:
    """A write that wasn't answered is sent again by its nonce, and told of once."""
    desk = opened()
    desk.sync.write(make_send("nonce-01"), desk.now)
    [first] = desk.heard()
    desk.lose()
    again = [frame for frame in desk.open() if frame["t"] == "send"]

    assert [frame["n"] for frame in again] == [first["n"]]
    desk.say(stored(again[0]["id"], 4) | {"dup": True}, stored(again[0]["id"], 4))
    done = [each for each in desk.sync.take_news() if isinstance(each, Stored)]
    assert done == [Stored("nonce-01", wire.SendOk(again[0]["id"], 4, 4, dup=True))]
    assert desk.sync.unanswered == 0


def test_refusals_for_good_are_told() -> None:
    """A final no is told to the program; later writes go on."""
    desk = opened()
    for nonce in ("nonce-01", "nonce-02"):
        desk.sync.write(make_send(nonce), desk.now)
    first, second = desk.heard()
    desk.say(refusal(first["id"], "too_long", retry=False), stored(second["id"], 1))
    news = desk.sync.take_news()

    assert [type(each) for each in news] == [Refused, Stored]
    assert isinstance(news[0], Refused)
    assert (news[0].nonce, news[0].error.code) == ("nonce-01", "too_long")


def test_refusals_that_pass_are_retried() -> None:
    """A no for now is tried again by itself, in the order of writing, after the time that was asked for."""
    desk = opened()
    for nonce in ("nonce-01", "nonce-02"):
        desk.sync.write(make_send(nonce), desk.now)
    first, second = desk.heard()
    busy = {"code": "too_many_requests", "retry": True, "after": 3_000}
    assert desk.say(refusal(first["id"], **busy), refusal(second["id"], **busy)) == []  # type: ignore[arg-type]

    assert desk.sync.due() == desk.now + 3.0
    assert desk.advance(2.9) == []
    assert [frame["n"] for frame in desk.advance(0.1)] == ["nonce-01", "nonce-02"]


def test_given_up_write_frees_stream() -> None:
    """What is given up is skipped on the server, unless it may be doing it."""
    desk = opened()
    desk.sync.write(make_send("nonce-01"), desk.now)
    [sent] = desk.heard()
    assert not desk.sync.give_up("nonce-01")
    desk.say(refusal(sent["id"], "storage_full", retry=True))
    assert desk.sync.give_up("nonce-01")
    [skip] = desk.heard()

    assert (skip["t"], skip["s"], skip["n"]) == ("skip", "r_tea", "nonce-01")
    assert not desk.sync.give_up("nonce-01")


def test_too_long_write_is_not_sent() -> None:
    """What would make the server close the connection is refused here."""
    desk = opened()
    desk.sync.write(make_send("nonce-01", text="\x01" * 50_000), desk.now)
    [news] = desk.sync.take_news()

    assert isinstance(news, Refused)
    assert (news.nonce, news.error.code) == ("nonce-01", "too_long")
    assert (desk.heard(), desk.sync.unanswered) == ([], 0)


def test_half_character_is_an_error() -> None:
    """What no frame can hold is said to who asks for it, and nothing of it stays."""
    desk = opened()
    with pytest.raises(UnicodeEncodeError):
        desk.sync.write(make_send("nonce-01", text="\ud800"), desk.now)
    with pytest.raises(UnicodeEncodeError):
        desk.sync.ask(wire.Hist(0, "\ud800", before=3), desk.now)

    assert (desk.heard(), desk.sync.unanswered) == ([], 0)
    desk.lose()
    assert desk.open() == []


def test_unreadable_ok_is_tried_again() -> None:
    """An answer that isn't one settles nothing: the write is sent again."""
    desk = opened()
    desk.sync.write(make_send("nonce-01"), desk.now)
    [sent] = desk.heard()
    assert desk.say({"t": "ok", "id": sent["id"]}) == []

    [again] = desk.advance(1.0)
    assert again["n"] == "nonce-01"


def test_rooms_are_followed() -> None:
    """Who follows has the rooms that they belong to, and those that come; what they left goes silent."""
    desk = Desk(follow=True)
    [own] = desk.open()
    [tea] = desk.say(inbox(own["id"], 0, "r_tea"))
    desk.say(reset(tea["id"], 4))
    milk = {"id": "r_milk", "name": "milk", "topic": "", "visibility": "public"}
    [asked] = desk.say(event(1, "me", "room.add", room=milk))
    assert (asked["t"], asked["s"]) == ("sub", "r_milk")
    desk.sync.take_news()

    said = desk.say(event(2, "me", "room.rm", room="r_tea", why="kick"), event(5))
    assert said == []
    assert [each.event.k for each in desk.sync.take_news() if isinstance(each, Happened)] == ["room.rm"]


def test_lost_room_comes_back_whole() -> None:
    """Who comes back to a room has it afresh: what was known of it has gone with it."""
    desk = Desk(follow=True)
    [own] = desk.open()
    [early] = desk.say(inbox(own["id"], 0, "r_tea"))
    desk.say(reset(early["id"], 4), event(1, "me", "room.rm", room="r_tea", why="leave"))
    tea = {"id": "r_tea", "name": "tea", "topic": "", "visibility": "public"}
    [again] = desk.say(event(2, "me", "room.add", room=tea))
    desk.sync.take_news()
    desk.say(reset(again["id"], 9))

    assert "at" not in again
    assert desk.told() == [(9,)]


def test_late_answers_are_not_taken() -> None:
    """What was asked before a subscription was ended isn't what a new one stands on."""
    desk = Desk(follow=True)
    [own] = desk.open()
    [early] = desk.say(inbox(own["id"], 0, "r_tea"))
    tea = {"id": "r_tea", "name": "tea", "topic": "", "visibility": "public"}
    [again] = desk.say(
        event(1, "me", "room.rm", room="r_tea", why="kick"), event(2, "me", "room.add", room=tea)
    )
    desk.sync.take_news()
    desk.say(refusal(early["id"], "not_found", retry=False), reset(again["id"], 4), event(5))
    assert desk.told() == [(4,), 5]

    desk.sync.subscribe("r_tea", desk.now, "badge")
    desk.sync.unsubscribe("r_tea")
    desk.sync.subscribe("r_tea", desk.now)
    badge, unsub, full = desk.heard()
    assert [frame["t"] for frame in (badge, unsub, full)] == ["sub", "unsub", "sub"]
    assert (badge["lvl"], full["at"]) == ("badge", [1, 5])
    desk.say(delta(badge["id"], 6, 6), event(7), delta(full["id"], 7, 6, 7))
    assert desk.told() == [6, 7]


def test_earlier_run_is_continued() -> None:
    """Rooms go on from where an earlier run of the program stood."""
    desk = Desk(follow=True, at={"r_tea": (1, 5)})
    [own] = desk.open()
    [asked] = desk.say(inbox(own["id"], 0, "r_tea"))
    desk.say(delta(asked["id"], 7, 6, 7))

    assert asked["at"] == [1, 5]
    assert desk.told() == [(0,), 6, 7]


def test_late_refusal_is_asked_again() -> None:
    """Whoever is let in while a refusal is on its way asks once more; a second one counts."""
    desk = opened(follow=True)
    milk = {"id": "r_milk", "name": "milk", "topic": "", "visibility": "public"}
    [asked] = desk.say(event(1, "me", "room.add", room=milk))
    assert desk.say(event(2, "me", "room.add", room=milk)) == []
    desk.sync.take_news()

    [again] = desk.say(refusal(asked["id"], "not_member", retry=False))
    assert (again["t"], again["s"]) == ("sub", "r_milk")
    assert desk.sync.take_news() == []
    assert desk.say(refusal(again["id"], "not_member", retry=False)) == []
    assert [type(news) for news in desk.sync.take_news()] == [Withheld]


def test_own_removal_ends_subscription() -> None:
    """Whoever is seen to be put out asks again, and so learns whether they are back."""
    desk = opened()
    desk.subscribe(5)
    ann = {"id": "u_ann", "name": "Ann"}

    [asked] = desk.say(event(6, k="member", op="kick", user=ann))
    assert (asked["t"], asked["at"]) == ("sub", [1, 6])


def test_withheld_stream_is_told() -> None:
    """What one may not read is told once, and not asked for again."""
    desk = opened()
    desk.sync.subscribe("r_secret", desk.now)
    [asked] = desk.heard()
    desk.say(refusal(asked["id"], "not_found", retry=False))

    [news] = desk.sync.take_news()
    assert isinstance(news, Withheld)
    desk.lose()
    assert desk.open() == []


def test_questions_outlive_connections() -> None:
    """What was asked is asked again on another connection, and answered once."""
    desk = opened()
    number = desk.sync.ask(wire.Hist(0, "r_tea", before=9), desk.now)
    desk.heard()
    desk.lose()
    [asked] = desk.open()
    page = {"t": "ok", "id": number, "msgs": [], "asof": 9, "more": False, "users": {}}
    desk.say(page, page)

    assert asked["id"] == number
    answers = [each for each in desk.sync.take_news() if isinstance(each, Answered)]
    assert answers == [Answered(number, wire.HistOk(number, [], 9, more=False, users={}))]


def test_read_mark_is_repeated() -> None:
    """A mark is said again on another connection until it is known to have been heard."""
    desk = opened()
    desk.sync.mark_read("r_tea", 7)
    desk.sync.mark_read("r_tea", 5)
    assert [frame["q"] for frame in desk.heard()] == [7]
    desk.lose()
    assert [frame["q"] for frame in desk.open()] == [7]
    desk.say(event(1, "me", "read") | {"d": {"s": "r_tea", "q": 7, "unread": 0, "mentions": 0}})
    desk.lose()
    assert desk.open() == []


def test_states_last_and_typing_passes() -> None:
    """How one is shown is said on each connection; that one types only where there is one."""
    desk = opened()
    desk.sync.show("dnd", "away")
    desk.lose()
    desk.sync.type("r_tea", on=True)

    assert [frame["t"] for frame in desk.open()] == ["pres"]


def test_silence_is_death() -> None:
    """A connection on which nothing comes is given up, and so is one that owes an answer for too long."""
    silent, owing = opened(), opened()
    owing.sync.write(make_send("nonce-01"), owing.now)
    for desk in (silent, owing):
        assert not desk.sync.is_dead(desk.now + 34.9)
    owing.advance(34.0)
    owing.say({"t": "ping"})

    assert silent.sync.is_dead(silent.now + 35.0)
    assert owing.sync.is_dead(owing.now + 1.0)
    assert owing.sync.due() == owing.now + 1.0


def test_end_answers_everything() -> None:
    """Once there will be no session any more, nobody waits for one."""
    desk = opened()
    number = desk.sync.ask(wire.Hist(0, "r_tea", before=9), desk.now)
    news = desk.lose(4403)

    assert [type(each) for each in news] == [Ended, Answered]
    assert isinstance(news[1], Answered)
    assert news[1].id == number
    assert desk.sync.connect_at is None


def test_full_program_is_spared() -> None:
    """While the program is behind it is told of no events; then it gets them all, in order."""
    desk = opened()
    desk.subscribe(5)
    desk.say(event(6))
    desk.sync.pause()
    assert desk.say(event(7), event(8)) == []
    assert desk.told() == [6]
    desk.sync.resume(desk.now)
    [asked] = desk.heard()
    desk.sync.pause()
    desk.say(delta(asked["id"], 8, 7, 8))
    assert desk.told() == []
    desk.sync.resume(desk.now)
    [asked] = desk.heard()
    desk.say(delta(asked["id"], 8, 7, 8))

    assert desk.told() == [7, 8]


def test_loss_is_told_with_its_wait() -> None:
    """The program learns that the connection is gone, and when it is tried again."""
    desk = opened()

    assert desk.lose() == [Lost(0.5)]
    assert desk.sync.connect_at == desk.now + 0.5


class Mirror:
    """What a program knows that follows the news."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.rooms: dict[str, list[str]] = {}
        self.resets: list[Reset] = []
        self.done: list[str] = []

    def look(self) -> None:
        """Take the news, and check that none is missing or doubled."""
        for each in self.server.desk.sync.take_news():
            if isinstance(each, Reset) and each.stream in self.server.rooms:
                self.resets.append(each)
                self.rooms[each.stream] = self.nonces(each.stream)[: each.head]
            elif isinstance(each, Happened):
                known = self.rooms[each.room]
                assert each.event.q == len(known) + 1
                assert isinstance(each.body, wire.PostedBody)
                known.append(each.body.n)
            elif isinstance(each, Stored):
                self.done.append(each.nonce)

    def nonces(self, room: str) -> list[str]:
        """Return what the server has."""
        return [each["d"]["n"] for each in self.server.rooms[room]]


USUAL = ("post", "burst", "write", "flow", "flow", "hear", "deliver")
FAULTS = ("busy", "disconnect", "lose one", "double one", "swap two")
STEPS = st.lists(st.tuples(st.sampled_from(USUAL + FAULTS), st.sampled_from(ROOMS)), min_size=20, max_size=80)


def turn(server: Server, step: str, room: str, nonce: str) -> None:
    """Let one thing happen."""
    frames = server.outbound
    match step:
        case "post":
            server.post(room)
        case "burst":
            for _ in range(5):
                server.post(room)
        case "write":
            server.desk.sync.write(make_send(nonce, room), server.desk.now)
        case "lose one" if frames and frames[0]["t"] == "ev":
            frames.popleft()
        case "double one" if frames:
            frames.appendleft(frames[0])
        case "swap two" if len(frames) > 1:
            frames.rotate(-1)
        case "busy":
            server.is_busy = not server.is_busy
        case "flow":
            server.connect()
            server.flow()
        case "disconnect" | "hear" | "deliver":
            getattr(server, step)()


@settings(deadline=None, max_examples=300)
@given(STEPS, st.booleans(), st.booleans(), st.sampled_from(("", "", "", *ROOMS)))
def test_all_is_healed(steps: list[tuple[str, str]], complete: bool, stays: bool, restored: str) -> None:
    """Whatever goes wrong, in the end the program has what the server has, and each write is there once."""
    desk = Desk(complete=complete)
    server = Server(desk, *ROOMS)
    mirror = Mirror(server)
    for room in ROOMS:
        desk.sync.subscribe(room, desk.now)
    server.connect()
    server.flow()
    written: dict[str, list[str]] = {room: [] for room in ROOMS}
    for index, (step, room) in enumerate(steps):
        nonce = f"nonce-{index:03}"
        if step == "write":
            written[room].append(nonce)
        turn(server, step, room, nonce)
        mirror.look()
    if restored:
        server.restore(restored)
    if not stays:
        server.disconnect()
    server.connect()
    server.settle()
    mirror.look()

    for room in ROOMS:
        nonces = mirror.nonces(room)
        assert mirror.rooms[room] == nonces
        ours = [nonce for nonce in nonces if nonce in written[room]]
        if room != restored:
            assert ours == written[room]
        assert len(set(ours)) == len(ours)
    assert sorted(mirror.done) == sorted(nonce for nonces in written.values() for nonce in nonces)
    assert desk.sync.unanswered == 0
    if complete:
        in_epoch = [(each.stream, each.epoch) for each in mirror.resets]
        assert len(set(in_epoch)) == len(in_epoch)
