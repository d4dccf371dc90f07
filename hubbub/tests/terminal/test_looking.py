"""Where one is in a room."""

from __future__ import annotations

from hubbub import wire
from hubbub.terminal.looking import Looking

WAITING, NOTHING = wire.Marks(4, 2, 0), wire.Marks(4, 0, 0)


def test_new_begins_where_one_has_read() -> None:
    """Coming into a room, what waits there is new, and nothing is seen yet."""
    looking = Looking()
    looking.moved(9, at_end=True)
    looking.come(WAITING)
    assert (looking.fresh_after, looking.seen) == (4, None)
    looking.come(NOTHING)

    assert looking.fresh_after is None


def test_room_opens_once_it_is_here() -> None:
    """The screen goes to what is new each time until the room has arrived, and no more then."""
    looking = Looking()
    assert not looking.opens()
    looking.come(WAITING)
    assert looking.opens()
    looking.arrived()

    assert [looking.opens(), looking.opens()] == [True, False]


def test_arrival_before_coming_counts() -> None:
    """A room that came just before the screen shows it is there; one that came long ago isn't this one."""
    looking = Looking()
    looking.arrived()
    looking.come(WAITING)
    assert [looking.opens(), looking.opens()] == [True, False]
    looking.arrived()
    looking.opens()
    looking.come(WAITING)

    assert [looking.opens(), looking.opens()] == [True, True]


def test_messages_below_are_counted() -> None:
    """What comes while one reads further up is counted, until one is at the end."""
    looking = Looking()
    looking.posted()
    assert looking.below == 0
    looking.moved(3, at_end=False)
    looking.posted()
    looking.posted()
    assert looking.below == 2
    looking.moved(5, at_end=True)

    assert (looking.below, looking.seen) == (0, 5)


def test_looking_away_begins_anew() -> None:
    """What comes while one looks elsewhere is new, if one had seen the end; what one writes ends that."""
    looking = Looking()
    looking.looked_away(None)
    assert looking.fresh_after is None
    looking.looked_away(7)
    assert looking.fresh_after == 7
    looking.moved(3, at_end=False)
    looking.looked_away(9)
    assert looking.fresh_after == 7
    looking.wrote()

    assert looking.fresh_after is None
