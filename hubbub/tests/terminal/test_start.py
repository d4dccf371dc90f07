"""How the terminal client is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from hubbub.client import SessionEnded
from hubbub.terminal import start
from hubbub.terminal.app import ChatApp
from hubbub.terminal.entering import Asking, EntryError
from hubbub.terminal.keeping import Kept

ASKING = Asking(lambda _: "Ann", lambda _: "secret")


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Run apps without a terminal, which end with what is first in the list, and note who was in them."""
    ends: list[object] = []

    async def run(self: ChatApp) -> object:
        async def leave(pilot: Pilot[object]) -> None:
            self.exit(ends[0])  # type: ignore[arg-type]

        ends.append((self.conversation.client.me.name, self.words.language, self.theme, self._is_kept))
        return await run_async(self, headless=True, auto_pilot=leave)

    run_async = ChatApp.run_async
    monkeypatch.setattr(ChatApp, "run_async", run)
    return ends


async def test_chat_is_entered(address: str, tmp_path: Path, ended: list[object]) -> None:
    """Who starts it is in the chat, in their language and colours, and comes back as the same."""
    environment = {"XDG_STATE_HOME": str(tmp_path), "LANG": "zh_CN.UTF-8", "COLORFGBG": "0;15"}
    ended.append(None)
    await start.chat(f"{address}/", ASKING, environment=environment)
    kept = Kept(tmp_path / "hubbub", address)
    token = kept.token("Ann")
    await start.chat(address, ASKING, language="en", theme="dark", environment=environment)

    assert ended[1] == ("Ann", "zh", "hubbub-light", True)
    assert ended[2] == ("Ann", "en", "hubbub-dark", False)
    assert kept.token("Ann") == token
    assert (kept.folder / "Ann" / "outbox.sqlite3").exists()


async def test_end_is_told(address: str, tmp_path: Path, ended: list[object]) -> None:
    """Whom the server doesn't have any more is told so; a session that has ended isn't kept."""
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    kept = Kept(tmp_path / "hubbub", address)
    ended.append(SessionEnded("never", 4403, "the user is \x1bbanned"))
    with pytest.raises(EntryError, match=r"The session has ended: the user is \\x1bbanned \(4403\)."):
        await start.chat(address, ASKING, environment=environment)
    assert kept.token("Ann") is not None
    ended[0] = SessionEnded("reauth", 4101, "signed out")
    with pytest.raises(EntryError, match="Start again"):
        await start.chat(address, ASKING, environment=environment)

    assert kept.token("Ann") is None


async def test_unusable_folder_is_told(address: str, tmp_path: Path) -> None:
    """Where nothing can be kept, that is told in a sentence."""
    (tmp_path / "hubbub").write_text("in the way")
    with pytest.raises(EntryError, match="can't be used"):
        await start.chat(address, ASKING, environment={"XDG_STATE_HOME": str(tmp_path)})
