"""Starts the terminal client: who one is, what is kept, and then the program.

The only module here that puts things together.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Final

from hubbub.client import OutboxUnusable, SessionEnded, connect
from hubbub.terminal import themes, words
from hubbub.terminal.app import ChatApp
from hubbub.terminal.entering import Asking, EntryError, check_address, enter
from hubbub.terminal.keeping import Kept, state_folder
from hubbub.terminal.plain import plain_line

PROGRAM: Final = "hubbub chat"


async def chat(
    url: str,
    asking: Asking,
    *,
    name: str | None = None,
    username: str | None = None,
    language: str | None = None,
    theme: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Be in the chat at `url` until its user leaves.

    Raises:
        EntryError: with a sentence, if that couldn't be, or was ended by the server.
    """
    said = words.choose(language, environment)
    address = check_address(url, said)
    kept = Kept(state_folder(environment), address)
    try:
        who, token = await enter(address, kept, said, asking, name=name, username=username)
        outbox = kept.claim_outbox(who)
    except OSError as error:
        raise EntryError(said.state_unusable.format(kept.folder, error.strerror or error)) from error
    try:
        async with connect(address, token=token, outbox=outbox, follow=False, name=PROGRAM) as client:
            palette = themes.choose(theme, environment.get("COLORFGBG", ""))
            app = ChatApp(client, said, palette, is_kept=outbox is not None)
            ended = await app.run_async()
    except SessionEnded as error:
        ended = error
    except OutboxUnusable as error:
        raise EntryError(plain_line(str(error))) from error
    if ended is not None:
        if ended.retry == "reauth":
            with contextlib.suppress(OSError):
                kept.forget(who)
            raise EntryError(said.session_over)
        raise EntryError(said.ended.format(plain_line(str(ended))))
