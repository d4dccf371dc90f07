"""Lines that change rarely."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.content import Content

from hubbub.terminal.signs import Sign

from .conftest import shown


class Bare(App[None]):
    """A sign."""

    def compose(self) -> ComposeResult:
        """Build it."""
        yield Sign()


async def test_sign_says_what_is_new() -> None:
    """A sign shows what it is told, as text, and isn't drawn again for the same."""
    app = Bare()
    async with shown(app) as screen:
        sign = app.query_one(Sign)
        sign.say("[b]hi")
        await screen.shows("[b]hi")
        assert sign.has_class("said")
        before = sign._shown
        sign.say(Content("[b]hi"))
        assert sign._shown is before
        sign.say(Content.styled("[b]hi", "red"))
        assert sign._shown is not before
        sign.say("")

        assert not sign.has_class("said")
