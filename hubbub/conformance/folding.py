"""What messages become by their events: the table of rule 7, done by hand.

It is what a server's history is held against, so it shares nothing with any server.
"""

from __future__ import annotations

from collections.abc import Iterable

from hubbub import wire


def fold(events: Iterable[wire.Event]) -> dict[int, wire.MessageInfo]:
    """Return the messages that a stream's events, none of them forgotten, made."""
    messages: dict[int, wire.MessageInfo] = {}
    for event in events:
        body = wire.body_of(event)
        if isinstance(body, wire.PostedBody):
            _post(messages, event, body)
        elif (
            isinstance(body, wire.EditedBody | wire.DeletedBody | wire.ReactedBody | wire.PinnedBody)
            and event.q > (message := messages[body.m]).rev
        ):
            message.rev = event.q
            _change(messages, message, event, body)
    return messages


def _post(messages: dict[int, wire.MessageInfo], event: wire.Event, body: wire.PostedBody) -> None:
    q = event.q
    messages[q] = wire.MessageInfo(
        q, q, event.ts, event.by, body.n, body.text, base=q, re=body.re, th=body.th, files=list(body.files)
    )
    _count_reply(messages, messages[q], event, 1)


def _count_reply(
    messages: dict[int, wire.MessageInfo], reply: wire.MessageInfo, event: wire.Event, more: int
) -> None:
    if reply.th is not None:
        root = messages[reply.th]
        root.rc += more
        root.rev = event.q


def _change(
    messages: dict[int, wire.MessageInfo],
    message: wire.MessageInfo,
    event: wire.Event,
    body: wire.EditedBody | wire.DeletedBody | wire.ReactedBody | wire.PinnedBody,
) -> None:
    match body:
        case wire.EditedBody(text=text):
            message.text, message.base, message.ed = text, event.q, event.ts
        case wire.DeletedBody():
            message.text, message.rx, message.pin, message.deleted = "", {}, None, event.ts
            message.files = []
            _count_reply(messages, message, event, -1)
        case wire.ReactedBody(e=emoji, on=on):
            _react(message, emoji, event.by, on=on)
        case wire.PinnedBody(on=on):
            message.pin = event.q if on else None


def _react(message: wire.MessageInfo, emoji: str, user: str, *, on: bool) -> None:
    others = [other for other in message.rx.get(emoji, []) if other != user]
    message.rx[emoji] = [*others, user] if on else others
    if not message.rx[emoji]:
        del message.rx[emoji]
