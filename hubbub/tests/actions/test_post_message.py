"""Writing messages."""

from __future__ import annotations

import json

import pytest

from hubbub.actions.change_room import change_room
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.domain.errors import ChatError
from hubbub.domain.models import LOBBY, Posting


async def test_message_is_stored_and_told(database, guest, heard) -> None:
    """What is acknowledged has been told, by the number that was given."""
    ann = await guest("Ann")
    heard.clear()

    posted = await post_message(database, ann.user, LOBBY, "nonce-01", "你好")

    [event] = heard
    assert (event.stream, event.q, event.ts, event.author) == (LOBBY, posted.q, posted.ts, ann.user.id)
    assert event.body == '{"n":"nonce-01","text":"你好"}'


async def test_repeat_is_told_once(database, guest, heard) -> None:
    """The same nonce again gives the first number, and nobody hears it twice."""
    ann = await guest("Ann")
    heard.clear()

    first = await post_message(database, ann.user, LOBBY, "nonce-01", "hi")
    again = await post_message(database, ann.user, LOBBY, "nonce-01", "hi")

    assert (again.q, again.ts, again.dup) == (first.q, first.ts, True)
    assert len(heard) == 1


async def test_message_goes_into_a_thread(database, guest, heard) -> None:
    """A message may belong to the thread of another, and answer a third."""
    ann = await guest("Ann")
    root = await post_message(database, ann.user, LOBBY, "nonce-01", "root")
    heard.clear()

    await post_message(database, ann.user, LOBBY, "nonce-02", "hi", root.q, root.q)

    [event] = heard
    assert json.loads(event.body) == {"n": "nonce-02", "text": "hi", "re": root.q, "th": root.q}


@pytest.mark.parametrize(
    "room,nonce,text,code",
    [
        (LOBBY, "short", "hi", "invalid"),
        (LOBBY, "nonce-01", " ", "invalid"),
        (LOBBY, "nonce-01", "x" * 16_001, "too_long"),
        ("r_nowhere", "nonce-01", "hi", "not_found"),
    ],
)
async def test_bad_message_is_refused(database, guest, heard, room, nonce, text, code) -> None:
    """What can't be a message is refused with a reason, and not told."""
    ann = await guest("Ann")
    heard.clear()

    with pytest.raises(ChatError) as caught:
        await post_message(database, ann.user, room, nonce, text)

    assert caught.value.code == code
    assert heard == []


async def test_inbox_is_no_room(database, guest) -> None:
    """Nobody can write into an inbox, not even its owner."""
    ann, bob = await guest("Ann"), await guest("Bob")

    for inbox in (ann.user.id, bob.user.id):
        with pytest.raises(ChatError) as caught:
            await post_message(database, ann.user, inbox, "nonce-01", "hi")

        assert caught.value.code == "not_found"


async def test_announcements_are_for_moderators(database, people, room, say, code_of, nonces) -> None:
    """Where only who keeps order posts, members answer in threads, and are told why not elsewhere."""
    await change_room(database, people["owner"], room, next(nonces), posting=Posting.MODERATORS)
    q = await say("moderator", "news")

    assert await code_of(say("member", "hm")) == "read_only"
    await say("member", "thanks", thread=q)
    await react(database, people["member"], room, next(nonces), q, "👍", on=True)
