"""The states of a connection: a table of what may happen when, and the invariants in any order of events."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fullduplex.close import Close
from fullduplex.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    LocalProtocolError,
)
from fullduplex.protocol.states import Lifecycle, Side, State

NORMAL = Close(1000)


def lifecycle(*steps: str) -> Lifecycle:
    """Return a lifecycle after some steps."""
    life = Lifecycle()
    for step in steps:
        match step:
            case "sent":
                life.close_sent(NORMAL)
            case "received":
                life.close_received(NORMAL)
            case _:
                getattr(life, step)()
    return life


@pytest.mark.parametrize(
    "steps, state, is_reading, is_complete",
    [
        ([], State.CONNECTING, True, False),
        (["opened"], State.OPEN, True, False),
        (["opened", "sent"], State.CLOSING, True, False),
        (["opened", "received"], State.CLOSING, False, False),
        (["opened", "sent", "received"], State.CLOSING, False, True),
        (["opened", "received", "sent"], State.CLOSING, False, True),
        (["opened", "fail"], State.CLOSING, False, False),
        (["opened", "sent", "fail"], State.CLOSING, False, False),
        (["lost"], State.CLOSED, False, False),
        (["opened", "lost"], State.CLOSED, False, False),
        (["opened", "received", "sent", "lost"], State.CLOSED, False, True),
        (["opened", "fail", "lost"], State.CLOSED, False, False),
        (["opened", "lost", "fail"], State.CLOSED, False, False),
    ],
)
def test_state_after_steps(steps: list[str], state: State, is_reading: bool, is_complete: bool) -> None:
    """Each order of events leads to its state (7.1)."""
    life = lifecycle(*steps)

    assert (life.state, life.is_reading, life.is_complete) == (state, is_reading, is_complete)


@pytest.mark.parametrize(
    "steps, step",
    [
        (["opened"], "opened"),
        (["lost"], "opened"),
        (["opened", "sent"], "opened"),
        ([], "sent"),
        (["opened", "sent"], "sent"),
        (["opened", "lost"], "sent"),
        ([], "received"),
        (["opened", "received"], "received"),
        (["opened", "lost"], "received"),
    ],
)
def test_step_out_of_order_raises(steps: list[str], step: str) -> None:
    """A step that can't come now is a bug in the caller, and changes nothing."""
    life = lifecycle(*steps)
    before = [getattr(life, name) for name in Lifecycle.__slots__]

    with pytest.raises(LocalProtocolError):
        getattr(life, {"sent": "close_sent", "received": "close_received"}.get(step, step))(
            *([NORMAL] if step in ("sent", "received") else [])
        )
    assert [getattr(life, name) for name in Lifecycle.__slots__] == before


def test_data_may_be_sent_when_open() -> None:
    """Data may be sent in OPEN alone (5.5.1)."""
    lifecycle("opened").may_send_data()

    with pytest.raises(LocalProtocolError, match="isn't open yet"):
        lifecycle().may_send_data()
    for steps in (["opened", "sent"], ["opened", "received"], ["opened", "fail"], ["opened", "lost"]):
        with pytest.raises(ConnectionClosed):
            lifecycle(*steps).may_send_data()


@pytest.mark.parametrize(
    "received, sent, kind",
    [
        (1000, 1000, ConnectionClosedOK),
        (1001, 1000, ConnectionClosedOK),
        (1005, 1005, ConnectionClosedOK),
        (1000, 1001, ConnectionClosedOK),
        (1000, 1011, ConnectionClosedError),
        (1002, 1000, ConnectionClosedError),
        (1002, 1002, ConnectionClosedError),
        (4000, 4000, ConnectionClosedError),
        (1000, None, ConnectionClosedError),
        (None, 1000, ConnectionClosedError),
        (None, None, ConnectionClosedError),
    ],
)
def test_exception_tells_how_it_closed(
    received: int | None, sent: int | None, kind: type[ConnectionClosed]
) -> None:
    """A close is fine if both sides said so with 1000, 1001 or nothing."""
    life = lifecycle("opened")
    if received is not None:
        life.close_received(Close(received))
    if sent is not None:
        life.close_sent(Close(sent))

    exception = life.exception()

    assert type(exception) is kind
    assert exception.received == (None if received is None else Close(received))
    assert exception.sent == (None if sent is None else Close(sent))


@pytest.mark.parametrize(
    "steps, received_first",
    [
        (["opened"], None),
        (["opened", "received"], None),
        (["opened", "sent"], None),
        (["opened", "received", "sent"], True),
        (["opened", "sent", "received"], False),
    ],
)
def test_exception_tells_who_began(steps: list[str], received_first: bool | None) -> None:
    """Who began is known once both sides have sent their Close frames."""
    assert lifecycle(*steps).exception().received_first is received_first


ERROR = ConnectionResetError("gone")


def test_exception_tells_its_cause() -> None:
    """What ended the connection, other than a closing handshake, is the exception's cause."""
    life = lifecycle("opened")
    assert life.exception().__cause__ is None
    life.lost(ERROR)
    assert life.exception().__cause__ is ERROR
    life.lost(OSError("again"))

    assert life.exception().__cause__ is ERROR


@pytest.mark.parametrize(
    "steps, cause",
    [
        ([], ERROR),
        (["opened", "sent"], ERROR),
        (["opened", "received"], ERROR),
        (["opened", "fail"], ERROR),
        (["opened", "sent", "received"], None),
        (["opened", "received", "sent"], None),
    ],
)
def test_complete_close_has_no_cause(steps: list[str], cause: Exception | None) -> None:
    """How the transport ends after the closing handshake doesn't matter any more (7.1.4)."""
    life = lifecycle(*steps)
    life.lost(ERROR)

    assert life.exception().__cause__ is cause


def test_first_cause_is_kept() -> None:
    """What ended the connection comes before what became of its transport."""
    life = lifecycle("opened", "fail")
    life.cause = ValueError("broken")
    life.lost(ERROR)

    assert isinstance(life.exception().__cause__, ValueError)


def test_states_are_numbered_as_in_browsers() -> None:
    """The numbers are those of ``readyState``."""
    assert [(state.name, state.value) for state in State] == [
        ("CONNECTING", 0),
        ("OPEN", 1),
        ("CLOSING", 2),
        ("CLOSED", 3),
    ]
    assert [(side.name, side.value) for side in Side] == [("SERVER", 0), ("CLIENT", 1)]


CLOSES = st.builds(Close, st.sampled_from([1000, 1001, 1005, 1011, 4000]))


class AnyOrder(RuleBasedStateMachine):
    """Steps in any order, whether they make sense or not."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Lifecycle()
        self.sent: list[Close] = []
        self.received: list[Close] = []
        self.highest = State.CONNECTING

    def step(self, name: str, *close: Close) -> bool:
        """Take a step; tell whether it was allowed."""
        try:
            getattr(self.life, name)(*close)
        except LocalProtocolError:
            return False
        return True

    @rule()
    def opened(self) -> None:
        """The handshake succeeds."""
        assert self.step("opened") is (self.highest is State.CONNECTING)

    @rule(close=CLOSES)
    def close_sent(self, close: Close) -> None:
        """We send a Close frame."""
        if self.step("close_sent", close):
            self.sent.append(close)

    @rule(close=CLOSES)
    def close_received(self, close: Close) -> None:
        """The peer sends a Close frame."""
        if self.step("close_received", close):
            self.received.append(close)

    @rule()
    def fail(self) -> None:
        """The connection fails."""
        self.life.fail()

    @rule()
    def lost(self) -> None:
        """The transport goes away."""
        self.life.lost()
        assert self.life.state is State.CLOSED

    @invariant()
    def one_close_each(self) -> None:
        """At most one Close frame goes either way, and it is remembered."""
        assert self.sent == [close for close in [self.life.sent] if close]
        assert self.received == [close for close in [self.life.received] if close]
        assert self.life.is_complete is bool(self.sent and self.received)
        assert (self.life.received_first is not None) is self.life.is_complete

    @invariant()
    def nothing_goes_back(self) -> None:
        """No state is left for an earlier one, and CLOSED for none at all."""
        assert self.life.state >= self.highest
        self.highest = self.life.state

    @invariant()
    def data_only_when_open(self) -> None:
        """Data may be sent while no Close frame went either way and nothing broke."""
        try:
            self.life.may_send_data()
            may_send = True
        except (LocalProtocolError, ConnectionClosed):
            may_send = False
        assert may_send is (self.life.state is State.OPEN)
        if may_send:
            assert not self.sent
            assert not self.received

    @invariant()
    def reading_ends_for_good(self) -> None:
        """Nothing is read after a failure, the peer's Close frame or the end."""
        if self.received or self.life.failed or self.life.state is State.CLOSED:
            assert not self.life.is_reading


TestAnyOrder = AnyOrder.TestCase
