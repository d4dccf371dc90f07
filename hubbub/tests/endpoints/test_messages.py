"""Messages over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hubbub.domain.errors import ChatError, Code

ROOM = "/v1/s/r_lobby/messages"


def nonce(name: str) -> dict[str, str]:
    """Return the header with a nonce."""
    return {"Idempotency-Key": f"nonce-no-{name}"}


async def post(client: httpx.AsyncClient, name: str = "1", **draft: Any) -> dict[str, Any]:
    """Post a message, and return where it is."""
    answer = await client.post(ROOM, json={"text": "hi"} | draft, headers=nonce(name))
    assert answer.status_code == 201
    return answer.json()


async def read(client: httpx.AsyncClient, **query: int) -> list[int]:
    """Return the numbers of the messages that are read."""
    return [message["q"] for message in (await client.get(ROOM, params=query)).json()["msgs"]]


async def test_post_is_stored_once(ann) -> None:
    """A message is posted, and with the same nonce it is the same message."""
    first = await ann.post(ROOM, json={"text": "你好"}, headers=nonce("1"))
    again = await ann.post(ROOM, json={"text": "你好"}, headers=nonce("1"))
    other = await ann.post(ROOM, json={"text": "hi"}, headers=nonce("1"))
    page = (await ann.get(ROOM)).json()

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json().keys() == {"q", "ts"}
    assert again.json() == first.json() | {"dup": True}
    assert other.json()["error"]["code"] == "nonce_reuse"
    [message] = page["msgs"]
    assert (message["q"], message["text"], message["n"]) == (first.json()["q"], "你好", "nonce-no-1")
    assert page["users"] == {message["by"]: {"name": "Ann"}}
    assert (page["asof"], page["more"]) == (message["q"], False)


async def test_message_is_changed(ann) -> None:
    """What is done to a message is seen when it is read."""
    q = (await post(ann))["q"]
    at = f"{ROOM}/{q}"
    edited = await ann.patch(at, json={"text": "better", "base": q}, headers=nonce("2"))
    conflict = await ann.patch(at, json={"text": "worse", "base": q}, headers=nonce("3"))
    await ann.put(f"{at}/reactions/👍", headers=nonce("4"))
    await ann.put(f"{at}/reactions/%F0%9F%8D%B5", headers=nonce("5"))
    await ann.delete(f"{at}/reactions/👍", headers=nonce("6"))
    [message] = (await ann.get(ROOM)).json()["msgs"]
    deleted = await ann.delete(at, headers=nonce("7"))
    [forgotten] = (await ann.get(ROOM)).json()["msgs"]

    assert (edited.status_code, conflict.status_code, deleted.status_code) == (200, 409, 200)
    assert conflict.json()["error"]["code"] == "edit_conflict"
    assert (message["text"], message["base"]) == ("better", edited.json()["q"])
    assert list(message["rx"]) == ["🍵"]
    assert (forgotten["text"], "rx" in forgotten, "del" in forgotten) == ("", False, True)


async def test_pins_are_for_moderators(ann, monkeypatch) -> None:
    """Who keeps order pins and takes down; who doesn't is told so."""
    q = (await post(ann))["q"]
    refused = await ann.put(f"{ROOM}/{q}/pin", headers=nonce("2"))
    monkeypatch.setattr("hubbub.actions.pin_message.check_pins", lambda standing: None)
    pinned = await ann.put(f"{ROOM}/{q}/pin", headers=nonce("3"))
    [shown] = (await ann.get(ROOM)).json()["msgs"]
    await ann.delete(f"{ROOM}/{q}/pin", headers=nonce("4"))
    [bare] = (await ann.get(ROOM)).json()["msgs"]

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert shown["pin"] == pinned.json()["q"]
    assert "pin" not in bare


async def test_pages_are_read(ann) -> None:
    """The last messages come unasked, others by where they are."""
    first, second, third = [(await post(ann, str(n)))["q"] for n in range(3)]

    assert await read(ann) == [first, second, third]
    assert await read(ann, limit=2) == [second, third]
    assert await read(ann, before=third, limit=1) == [second]
    assert await read(ann, after=first) == [second, third]
    assert await read(ann, around=second, limit=2) == [first, second]


async def test_thread_is_read(ann) -> None:
    """What is said in a thread is found there, page by page."""
    root = (await post(ann))["q"]
    said = [(await post(ann, f"in-{n}", th=root, re=root))["q"] for n in range(2)]
    whole = (await ann.get(f"{ROOM}/{root}/thread")).json()
    page = (await ann.get(f"{ROOM}/{root}/thread", params={"before": said[1]})).json()

    assert [message["q"] for message in whole["msgs"]] == said
    assert [message["q"] for message in page["msgs"]] == said[:1]


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", f"before={2**53}", "limit=0", "before=1&after=1", "limit="]
)
async def test_senseless_query_is_refused(ann, query) -> None:
    """What is no number, or two wishes at once, is told so."""
    answer = await ann.get(f"{ROOM}?{query}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize("q", ["0", "99", "x", "-1", str(2**53), str(2**70)])
async def test_missing_message_is_told(ann, q) -> None:
    """What no message is called isn't found, whatever is asked of it."""
    answers = [
        await ann.patch(f"{ROOM}/{q}", json={"text": "x"}, headers=nonce("1")),
        await ann.delete(f"{ROOM}/{q}", headers=nonce("2")),
        await ann.put(f"{ROOM}/{q}/reactions/👍", headers=nonce("3")),
        await ann.get(f"{ROOM}/{q}/thread"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


@pytest.mark.parametrize("room", ["r_nowhere", "u_other", "lobby", "r_" + "x" * 99])
async def test_missing_room_is_told(ann, room) -> None:
    """Who isn't in a room can't tell whether it is there."""
    answers = [
        await ann.get(f"/v1/s/{room}/messages"),
        await ann.post(f"/v1/s/{room}/messages", json={"text": "x"}, headers=nonce("1")),
    ]

    assert [answer.status_code for answer in answers] == [404] * 2


async def test_nonce_is_needed(ann) -> None:
    """A write without a nonce, or with what is none, is refused."""
    for headers in ({}, {"Idempotency-Key": "short"}):
        answer = await ann.post(ROOM, json={"text": "hi"}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


async def test_long_texts_are_taken(ann) -> None:
    """The longest text is taken, however it is escaped; a longer one isn't, nor a body beyond all bounds."""
    await post(ann, text="字" * 16_000)
    longer = await ann.post(ROOM, json={"text": "x" * 16_001}, headers=nonce("2"))
    endless = await ann.post(ROOM, json={"text": "x" * 270_000}, headers=nonce("3"))

    assert (longer.status_code, endless.status_code) == (413, 413)


async def test_others_page_writes_nothing(browser) -> None:
    """With a cookie, only our own page may write."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    foreign = {"Origin": "http://evil.test"} | nonce("1")
    refused = await browser.post(ROOM, json={"text": "hi"}, headers=foreign)
    own = await browser.post(ROOM, json={"text": "hi"}, headers=nonce("1"))

    assert (refused.status_code, own.status_code) == (403, 201)


@pytest.mark.parametrize("code,status", [(Code.STORAGE_FULL, 507), (Code.UNAVAILABLE, 503)])
async def test_trouble_may_pass(ann, monkeypatch, code, status) -> None:
    """Of a refusal that may pass it is said that the very same may be sent again."""

    async def fail(*_: object) -> None:
        raise ChatError(code)

    with monkeypatch.context() as patch:
        patch.setattr("hubbub.endpoints.messages.post_message", fail)
        refused = await ann.post(ROOM, json={"text": "hi"}, headers=nonce("1"))

    assert refused.status_code == status
    assert refused.json()["error"]["retry"] is True
    await post(ann)
