"""What a connection calls streams."""

from __future__ import annotations

import pytest

from hubbub.domain.errors import ChatError
from hubbub.domain.models import User
from hubbub.realtime.caller import Caller


async def test_streams_go_by_their_names(outbound) -> None:
    """One's own stream is called `me`, a room by its id, and another's inbox not at all."""
    caller = Caller(User("u_ann", "Ann", "guest"), b"", outbound)

    assert (caller.stream("me"), caller.stream("r_x")) == ("u_ann", "r_x")
    for name in ("u_ann", "u_bob", "", "x"):
        with pytest.raises(ChatError):
            caller.stream(name)
