"""What may be asked, and that whatever comes is answered."""

from __future__ import annotations

import pytest

from hubbub.domain.models import LOBBY


async def test_state_is_shown(ann, make_peer, loop_clock) -> None:
    """The state that one asks for is the one that others see."""
    bob = await make_peer("Bob")
    await ann.ask("sub", s=LOBBY)
    await bob.ask("sub", s=LOBBY)
    await loop_clock.advance(1)
    bob.heard("eph")
    await ann.tell("pres", state="dnd", text=" in\u2003class ")
    await loop_clock.advance(1)

    assert [frame["d"] for frame in bob.heard("eph")] == [
        {"id": ann.user.id, "name": "Ann", "state": "dnd", "text": "in class"}
    ]


@pytest.mark.parametrize(
    "frame,answer",
    [
        ('{"t":"ping"}', {"t": "pong"}),
        ('{"t":"vote","id":3}', {"t": "err", "id": 3, "code": "unknown_op"}),
        ('{"t":"call","id":3,"m":"room.burn","p":{}}', {"t": "err", "id": 3, "code": "unknown_op"}),
        ('{"t":"call","id":3,"m":"room.join","p":{}}', {"t": "err", "id": 3, "code": "bad_frame"}),
        ("nonsense", {"t": "err", "code": "bad_frame"}),
        (b"\x00", {"t": "err", "code": "bad_frame"}),
        ('{"t":"hello","client":{"name":"x","ver":"1"}}', {"t": "err", "code": "bad_frame"}),
        ('{"t":"typing","s":"x","on":true}', {"t": "err", "code": "not_found"}),
    ],
    ids=range(8),
)
async def test_odd_frame_is_answered(ann, frame, answer) -> None:
    """What isn't a request is answered, and the conversation goes on."""
    await ann.requests.take(frame)

    [heard] = ann.connection.frames
    assert answer.items() <= heard.items()


async def test_pong_needs_no_answer(ann) -> None:
    """An answer isn't answered."""
    await ann.tell("pong")

    assert not ann.connection.frames


async def test_broken_request_is_answered(ann, monkeypatch, caplog) -> None:
    """A mistake of ours ends a request, and nothing else."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("hubbub.realtime.subscriptions.Subscriptions.unsub", fail)

    assert (await ann.ask("unsub", s=LOBBY))["code"] == "internal"
    assert "a bug" in caplog.text


async def test_batches_are_for_who_asked(ann, make_peer) -> None:
    """An array is several frames where that was agreed, and otherwise none."""
    cleo = await make_peer("Cleo", features=frozenset({"batch"}))
    batch = '[{"t":"ping"},{"t":"pong"}]'

    assert ann.requests.split(batch) == [batch]
    assert cleo.requests.split(batch) == ['{"t":"ping"}', '{"t":"pong"}']
    for bad in ("[", b"[]"):
        assert cleo.requests.split(bad) == []
        assert cleo.heard("err")[0]["code"] == "bad_frame"
