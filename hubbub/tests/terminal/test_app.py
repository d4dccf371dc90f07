"""The program around the conversation."""

from __future__ import annotations

import asyncio

import msgspec

from hubbub import wire
from hubbub.app import run_chat
from hubbub.client import Client, connect, sign_in_guest
from hubbub.config import Settings
from hubbub.domain.models import LOBBY
from hubbub.terminal.app import ChatApp
from hubbub.terminal.themes import DARK, LIGHT
from hubbub.terminal.words import EN

from .conftest import Show, shown


async def test_commands_are_offered(show: Show) -> None:
    """Everything that can be done is listed, in an order, and done."""
    async with show() as me:
        await me.press("ctrl+p")
        await me.shows(EN.switch_room, EN.create_room, EN.leave_room, EN.show_people, EN.help, EN.quit)
        await me.press("ctrl+p")
        await me.type("light")
        await me.press("enter")
        await me.until(lambda: me.chat.palette is LIGHT)
        assert me.app.theme == LIGHT.name
        await me.press("ctrl+c")
        await me.shows("Ctrl+Q quits.")
        await me.press("ctrl+q")
        await me.until(lambda: not me.app.is_running)


async def test_unkept_messages_are_told(show: Show) -> None:
    """Where nothing can be kept, one is told so."""
    async with show(is_kept=False) as me:
        await me.shows("Another hubbub chat is open")


async def test_revoked_session_ends_it(address: str) -> None:
    """Whose session is ended elsewhere is out, and learns why."""
    token = (await sign_in_guest(address, "Me")).token
    async with connect(address, token=token, follow=False) as client, connect(address, token=token) as other:
        app = ChatApp(client, EN, DARK)
        async with shown(app) as screen:
            await screen.shows("Me · connected")
            await revoke_all(other)
            await screen.until(lambda: app.return_value is not None)

    assert app.return_value is not None
    assert app.return_value.retry == "reauth"


async def revoke_all(client: Client) -> None:
    """End every session of someone."""
    listed = await client.call(wire.ListSessions())
    assert isinstance(listed, wire.SessionsResult)
    for session in listed.sessions:
        await client.call(wire.RevokeSession(session.id))


async def test_outage_is_shown_and_survived(settings: Settings) -> None:
    """Without a server one is told so, and writes on; when it is back, what was written is sent, once."""
    async with run_chat(settings) as address:
        token = (await sign_in_guest(address, "Me")).token
        port = int(address.rpartition(":")[2])
        context = connect(address, token=token, follow=False)
        client = await context.__aenter__()
    app = ChatApp(client, EN, DARK)
    async with shown(app) as screen:
        await screen.shows("Connection lost.", "Me · no connection")
        await screen.type("meanwhile")
        await screen.press("enter")
        await screen.shows("    meanwhile (waiting for the connection…)", "1 message waits to be sent")
        async with run_chat(msgspec.structs.replace(settings, port=port)):
            await screen.until(
                lambda: "Me · connected" in screen.text and "Connection lost" not in screen.text
            )
            await screen.until(lambda: "waiting for" not in screen.text)
            texts = [each.text for each in (await client.history(LOBBY, before=1_000)).msgs]
            await asyncio.wait_for(context.__aexit__(None, None, None), 10)

    assert texts == ["meanwhile"]
