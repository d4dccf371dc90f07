"""Making the first administrator."""

from __future__ import annotations

import asyncio

from hubbub.actions.change_settings import read_settings
from hubbub.actions.register import NewAccount
from hubbub.actions.set_up import SetUp
from hubbub.domain.errors import ChatError
from hubbub.domain.models import ServerRole
from hubbub.storage.setup_code import read_setup_code

NEW = NewAccount("boss", "correct horse")


async def begin(database, folder) -> SetUp:
    """Begin as a start of the server does."""
    set_up = SetUp(database, folder)
    await set_up.begin()
    return set_up


async def test_code_makes_one_administrator(database, passwords, tmp_path) -> None:
    """Of two who know the code, also at once, one becomes the administrator; then it is worth nothing."""
    set_up = await begin(database, tmp_path)
    code = set_up.code
    assert code is not None
    outcomes = await asyncio.gather(
        *(
            set_up.make_administrator(passwords, code, NewAccount(name, "correct horse"))
            for name in ("boss", "bess")
        ),
        return_exceptions=True,
    )

    [made] = [each for each in outcomes if not isinstance(each, BaseException)]
    [refused] = [each for each in outcomes if isinstance(each, ChatError)]
    assert (made.user.role, refused.code) == (ServerRole.ADMINISTRATOR, "forbidden")
    await read_settings(database, made.user)
    assert set_up.code is None
    assert read_setup_code(tmp_path) is None


async def test_code_outlives_a_start(database, passwords, tmp_path, code_of) -> None:
    """The address that was told once is good until there is an administrator; another code never is."""
    code = (await begin(database, tmp_path)).code
    set_up = await begin(database, tmp_path)

    assert set_up.code == code is not None
    for wrong in ("", "x" * 22, "é"):
        assert await code_of(set_up.make_administrator(passwords, wrong, NEW)) == "forbidden"
    await set_up.make_administrator(passwords, code, NEW)
    later = await begin(database, tmp_path)
    assert later.code is None
    assert await code_of(later.make_administrator(passwords, code, NEW)) == "forbidden"


async def test_bad_account_leaves_the_code(database, passwords, tmp_path, code_of) -> None:
    """Who chooses too short a password may try again."""
    set_up = await begin(database, tmp_path)
    assert (
        await code_of(set_up.make_administrator(passwords, set_up.code, NewAccount("boss", "x"))) == "invalid"
    )

    await set_up.make_administrator(passwords, set_up.code, NEW)


async def test_code_that_can_not_be_kept_is_none(database, tmp_path, caplog) -> None:
    """Where there is no place for it the chat runs all the same, and says what else there is."""
    (tmp_path / "file").touch()

    assert (await begin(database, tmp_path / "file")).code is None
    assert "create-admin" in caplog.text
