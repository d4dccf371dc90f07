"""What administrators decide."""

from __future__ import annotations

from dataclasses import asdict

from hubbub.domain.settings import ServerSettings, SignUp


def test_chat_is_open_at_first() -> None:
    """Where nothing is decided, people come in as they could before there was anything to decide."""
    assert asdict(ServerSettings()) == {"sign_up": SignUp.OPEN, "guests": True, "members_invite": False}
