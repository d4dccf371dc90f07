"""Random scripts of frames, read by us, by `websockets` and by `wsproto`, and every difference explained."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullduplex.protocol.events import Binary, Event, Text
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.states import Side

from ..protocol.wire import KEY, cut, frame
from .differences import DIFFERENCES, Difference, explain, first_difference
from .scripts import SETTINGS, TEXTS, scripts
from .twins import Broadcasting, Ours, Outcome, Resting, Sent, Setting, Twin, Websockets, Wsproto, play

PLACES = st.lists(st.integers(1, 250), max_size=4)


def on_wire(setting: Setting, sent: Sent) -> bytes:
    """Return the bytes of a frame."""
    masks = (setting.side is Side.SERVER) is sent.masks_rightly
    return frame(
        sent.opcode,
        sent.payload,
        fin=sent.fin,
        rsv=sent.rsv,
        key=KEY if masks else None,
        length=sent.length,
        size=sent.size,
    )


def in_reads(setting: Setting, script: Sequence[Sent], places: Sequence[int] = ()) -> list[list[bytes]]:
    """Return the bytes of each frame, cut at the same places."""
    return [cut(on_wire(setting, sent), places) for sent in script]


def told(outcome: Outcome) -> tuple[int | None, Event | None]:
    """Return the close code that was written, and the last event."""
    return outcome.close_code, outcome.events[-1] if outcome.events else None


@pytest.mark.parametrize("twin", [Websockets, Wsproto], ids=lambda twin: twin.name)
@settings(max_examples=300)
@given(data=st.data(), setting=SETTINGS, places=PLACES)
def test_differences_are_explained(
    twin: type[Twin], data: st.DataObject, setting: Setting, places: list[int]
) -> None:
    """After each frame, they have told and written what we have, or the table says why not."""
    script = data.draw(scripts(setting))
    reads = in_reads(setting, script, places)
    case = first_difference(setting, script, play(Ours, setting, reads), play(twin, setting, reads))

    assert case is None or explain(twin, case), case


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: f"{each.twin.name}: {each.name}")
def test_explained_difference_still_occurs(difference: Difference) -> None:
    """Each line of the table still has its example, which no other line explains."""
    setting, script = difference.example
    reads = in_reads(setting, script)
    ours, theirs = play(Ours, setting, reads), play(difference.twin, setting, reads)
    case = first_difference(setting, script, ours, theirs)

    assert case is not None
    assert case.script == script
    assert told(case.ours) == difference.ours
    assert told(case.theirs) == difference.theirs
    assert explain(difference.twin, case) == [difference]


@given(data=st.data(), setting=SETTINGS, places=st.lists(st.integers(0, 800), max_size=6))
def test_reads_change_nothing(data: st.DataObject, setting: Setting, places: list[int]) -> None:
    """However the bytes of a script are split into reads, we tell and write the same."""
    script = data.draw(scripts(setting))
    whole = b"".join(on_wire(setting, sent) for sent in script)
    outcomes = {play(Ours, setting, [reads])[0] for reads in ([whole], cut(whole, places))}

    assert len(outcomes) == 1


@pytest.mark.parametrize(
    "writer, reader",
    [
        *itertools.product((Ours, Resting, Broadcasting), (Websockets, Wsproto)),
        *itertools.product((Websockets, Wsproto), (Ours, Resting)),
    ],
    ids=lambda twin: twin.name,
)
@given(
    setting=SETTINGS,
    messages=st.lists(
        st.tuples(
            st.sampled_from([Opcode.TEXT, Opcode.BINARY]),
            st.lists(TEXTS.map(str.encode), min_size=1, max_size=4),
        ),
        max_size=4,
    ),
    places=PLACES,
)
def test_messages_are_understood(
    writer: type[Twin],
    reader: type[Twin],
    setting: Setting,
    messages: list[tuple[Opcode, list[bytes]]],
    places: list[int],
) -> None:
    """What one writes the other reads: whole and fragmented, compressed and not, on both sides."""
    setting = setting._replace(limit=10_000)
    sender = writer(setting._replace(side=Side(1 - setting.side)))
    written = [cut(sender.send(pieces, opcode), places) for opcode, pieces in messages]
    outcomes = play(reader, setting, written)
    joined = [(opcode, b"".join(pieces)) for opcode, pieces in messages]

    assert [outcome.events[-1] for outcome in outcomes] == [
        Text(data.decode()) if opcode is Opcode.TEXT else Binary(data) for opcode, data in joined
    ]
