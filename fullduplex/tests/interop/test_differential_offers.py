"""permessage-deflate agreed on by us and by `websockets`: the same of any offer, and of any answer.

`wsproto` is no judge here: it knows parameters by how they begin, and checks no values.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.exceptions import NegotiationError as TheirNegotiationError
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from fullduplex.exceptions import NegotiationError
from fullduplex.protocol.extensions.base import Parameters
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory

NAMES = ["server_no_context_takeover", "client_no_context_takeover"]
NAMES += ["server_max_window_bits", "client_max_window_bits", "x_max_window_bits"]
VALUES = [None, None, *map(str, range(7, 17)), "08", "1.0", "true", "１０"]
PARAMETERS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4)
FLAGS = {name: st.booleans() for name in NAMES[:2]}
BITS = {name: st.integers(9, 15) for name in NAMES[2:4]}


class Agreed(NamedTuple):
    """What a side will do, and which of the offered parameters its answer repeats."""

    local_bits: int
    remote_bits: int
    local_no_takeover: bool
    remote_no_takeover: bool
    repeated: frozenset[str] = frozenset()


def repeated(offer: Parameters, answer: Parameters) -> frozenset[str]:
    """Return which parameters of an offer must be in the answer, and are (RFC 7692 7.1.1.1, 7.1.2.1)."""
    needed = {"server_no_context_takeover", "server_max_window_bits"}
    return frozenset(needed & {name for name, _ in offer} & {name for name, _ in answer})


def bits_of_8(parameters: Parameters, name: str) -> bool:
    """Tell whether a window of 256 bytes is asked for, which they decline: zlib can't deflate with it.

    We do, by matching only what is repeated at once (RFC 7692 7.1.2).
    """
    return (name, "8") in parameters


@given(offer=PARAMETERS, settings=st.fixed_dictionaries({**FLAGS, **BITS}))
@example(offer=[("server_max_window_bits", "15")], settings={})
def test_offers_are_answered_alike(offer: Parameters, settings: dict[str, int]) -> None:
    """Servers accept and decline the same offers, and agree to the same (RFC 7692 7.1)."""
    settings = {"server_max_window_bits": 15, "client_max_window_bits": 15, **settings}
    ours = theirs = None
    try:
        answer, extension = PerMessageDeflateFactory(**settings).accept_offer(offer)
        ours = Agreed(
            extension.local_bits,
            extension.remote_bits,
            extension.local_no_takeover,
            extension.remote_no_takeover,
            repeated(offer, answer),
        )
    except NegotiationError:
        pass
    try:
        their_answer, other = ServerPerMessageDeflateFactory(**settings).process_request_params(offer, [])
        theirs = Agreed(
            other.local_max_window_bits,
            other.remote_max_window_bits,
            other.local_no_context_takeover,
            other.remote_no_context_takeover,
            repeated(offer, their_answer),
        )
    except TheirNegotiationError:
        pass

    assert ours == theirs or (theirs is None and bits_of_8(offer, "server_max_window_bits"))


@given(answer=PARAMETERS, flags=st.fixed_dictionaries(FLAGS))
def test_answers_are_understood_alike(answer: Parameters, flags: dict[str, bool]) -> None:
    """Clients accept and refuse the same answers, and understand the same (RFC 7692 7.1)."""
    ours = theirs = None
    try:
        extension = PerMessageDeflateFactory(
            **flags, server_max_window_bits=15, client_max_window_bits=15
        ).accept_response(answer)
        ours = Agreed(
            extension.local_bits,
            extension.remote_bits,
            extension.local_no_takeover,
            extension.remote_no_takeover,
        )
    except NegotiationError:
        pass
    try:
        other = ClientPerMessageDeflateFactory(**flags).process_response_params(answer, [])
        theirs = Agreed(
            other.local_max_window_bits,
            other.remote_max_window_bits,
            other.local_no_context_takeover,
            other.remote_no_context_takeover,
        )
    except TheirNegotiationError:
        pass

    assert ours == theirs or (theirs is None and bits_of_8(answer, "client_max_window_bits"))


def test_window_of_256_bytes_is_declined() -> None:
    """They still decline what the two tests above excuse, and we accept it."""
    offer: Parameters = [("server_max_window_bits", "8")]
    answer: Parameters = [("client_max_window_bits", "8")]

    assert PerMessageDeflateFactory().accept_offer(offer)[1].local_bits == 8
    assert PerMessageDeflateFactory().accept_response(answer).local_bits == 8
    for theirs in (
        lambda: ServerPerMessageDeflateFactory().process_request_params(offer, []),
        lambda: ClientPerMessageDeflateFactory().process_response_params(answer, []),
    ):
        with pytest.raises(TheirNegotiationError, match="= 8"):
            theirs()
