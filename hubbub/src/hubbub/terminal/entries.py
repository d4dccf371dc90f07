"""What a room's timeline consists of: its messages and what stands between them, from top to bottom.

Knows what is to be said of each, in the words of a language.  What that looks like it doesn't know.

Invariants:

1. Every text in an entry is plain: it can't command a terminal.
2. Each entry has a key of its own, and the same message always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from operator import attrgetter
from typing import Final, Literal, TypeAlias

from hubbub import wire
from hubbub.client import RoomView
from hubbub.terminal import markdown, mentions
from hubbub.terminal.outgoing import Draft
from hubbub.terminal.plain import plain, plain_line
from hubbub.terminal.words import Words

GROUP_MS: Final = 5 * 60 * 1000
"""How long one's messages go under one name."""
QUOTED: Final = 200
"""Characters of a quotation that are looked at: it is shown in one line."""

Key: TypeAlias = int | str
State: TypeAlias = Literal["stored", "deleted", "sending", "refused"]


@dataclass(frozen=True, slots=True)
class Edge:
    """What stands at the top: where the room begins, or that there is more."""

    text: str
    key: Key = "edge"


@dataclass(frozen=True, slots=True)
class Day:
    """Where a day begins."""

    text: str
    key: Key


@dataclass(frozen=True, slots=True)
class Fresh:
    """Where what is new begins."""

    text: str
    key: Key = "fresh"


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that another one answers."""

    user: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """How many react by an emoji, and whether one does oneself."""

    emoji: str
    count: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class Post:
    """A message; `q` is None until it is stored, and `opens` says whether it bears its author's name.

    Its text is what was written, its blocks are what is shown of it, and `called` names those it speaks of.
    """

    key: Key
    q: int | None
    by: str
    author: str
    time: str
    text: str
    blocks: tuple[markdown.Block, ...]
    opens: bool = True
    is_own: bool = False
    state: State = "stored"
    called: tuple[tuple[str, str], ...] = ()
    calls_me: bool = False
    quote: Quote | None = None
    reactions: tuple[Reaction, ...] = ()
    replies: str = ""
    marks: tuple[str, ...] = ()
    note: str = ""


Entry: TypeAlias = Edge | Day | Fresh | Post


@dataclass(frozen=True, slots=True)
class Context:
    """Who looks, when and where; `fresh_after` is the number up to which they had read."""

    me: str
    my_name: str
    words: Words
    now: datetime
    zone: tzinfo | None
    is_connected: bool
    fresh_after: int | None = None
    address_of: Callable[[wire.FileInfo], str] = attrgetter("id")
    """Where a file is."""

    def when(self, ts: int) -> datetime:
        """Return what the clock on the wall shows at a time of the server's."""
        return datetime.fromtimestamp(ts / 1000, tz=UTC).astimezone(self.zone)


def compose(view: RoomView, drafts: Iterable[Draft], context: Context) -> list[Entry]:
    """Return what is to be shown of a room, and of what one is about to say there."""
    entries: list[Entry] = [_edge(view, context.words)]
    entries += _stored(view, context)
    last = entries[-1]
    by = last.by if isinstance(last, Post) else None
    for draft in drafts:
        entries.append(_draft(view, draft, context, opens=by != context.me or draft.re is not None))
        by = context.me
    if len(entries) == 1 and not view.has_older:
        entries.append(Edge(context.words.empty, key="empty"))
    return entries


def room_name(view: RoomView) -> str:
    """Return what a room is called."""
    return plain_line(view.info.name) if view.info is not None else view.id


def author_of(view: RoomView, user: str) -> str:
    """Return what someone is called."""
    return plain_line(view.name(user)) or user


def _names(view: RoomView) -> dict[str, str]:
    return {user: plain_line(name) for user, name in view.names.items()}


def _edge(view: RoomView, words: Words) -> Edge:
    return Edge(words.loading if view.has_older else words.beginning.format(room_name(view)))


def _stored(view: RoomView, context: Context) -> Iterator[Entry]:
    names = _names(view)
    previous: wire.MessageInfo | None = None
    is_fresh = False
    for message in view.messages:
        when = context.when(message.ts)
        new_day = previous is None or context.when(previous.ts).date() != when.date()
        if new_day:
            yield Day(context.words.day(when.date(), context.now.date()), f"day {when.date()} {message.q}")
        begins = not is_fresh and _begins_fresh(message, context)
        if begins:
            is_fresh = True
            yield Fresh(context.words.new)
        opens = new_day or begins or previous is None or not _continues(previous, message)
        yield _post(view, message, names, context, f"{when:%H:%M}", opens=opens)
        previous = message


def _begins_fresh(message: wire.MessageInfo, context: Context) -> bool:
    return context.fresh_after is not None and message.q > context.fresh_after and message.by != context.me


def _continues(previous: wire.MessageInfo, message: wire.MessageInfo) -> bool:
    return previous.by == message.by and message.re is None and 0 <= message.ts - previous.ts < GROUP_MS


def _post(
    view: RoomView,
    message: wire.MessageInfo,
    names: Mapping[str, str],
    context: Context,
    time: str,
    *,
    opens: bool,
) -> Post:
    words = context.words
    called = _called(message.text, names)
    marks = [words.edited] if message.ed is not None else []
    marks += [words.pinned] if message.pin is not None else []
    is_deleted = message.deleted is not None
    return Post(
        key=message.q,
        q=message.q,
        by=message.by,
        author=author_of(view, message.by),
        time=time,
        text=words.deleted if is_deleted else _read(message, names, context),
        blocks=_one_line(words.deleted) if is_deleted else _show(message, context),
        opens=opens,
        is_own=message.by == context.me,
        state="deleted" if is_deleted else "stored",
        called=called,
        calls_me=context.me in dict(called),
        quote=_quote(view, message.re, names, words),
        reactions=_reactions(message.rx, context.me),
        replies=words.count(words.reply_one, words.reply_many, message.rc) if message.rc else "",
        marks=() if is_deleted else tuple(marks),
    )


def _read(message: wire.MessageInfo, names: Mapping[str, str], context: Context) -> str:
    """Return what a message says, and below it what comes with it and where that is."""
    said = [plain(mentions.read(message.text, names))] if message.text or not message.files else []
    told = (f"{_tell_file(file)}\n{context.address_of(file)}" for file in message.files)
    return "\n".join([*said, *told])


def _show(message: wire.MessageInfo, context: Context) -> tuple[markdown.Block, ...]:
    said = _blocks(message.text) if message.text or not message.files else ()
    told = (
        markdown.Paragraph((_tell_file(file), markdown.Break(), context.address_of(file)))
        for file in message.files
    )
    return (*said, *told)


def _tell_file(file: wire.FileInfo) -> str:
    return f"📎 {plain_line(file.name)} ({size_of(file.size)})"


def size_of(size: float) -> str:
    """Return how large a file is, in the units that people know."""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if unit != "B" and size < 10 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _called(text: str, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((user, names.get(user, user)) for user in mentions.spoken_of(text)))


@lru_cache(maxsize=2_000)
def _blocks(text: str) -> tuple[markdown.Block, ...]:
    return markdown.parse(plain(text))


def _one_line(text: str) -> tuple[markdown.Block, ...]:
    return (markdown.Paragraph((text,)),)


def _draft(view: RoomView, draft: Draft, context: Context, *, opens: bool) -> Post:
    words = context.words
    names = _names(view)
    is_refused = draft.refused is not None
    mark = words.sending if context.is_connected else words.waiting
    return Post(
        key=draft.nonce,
        q=None,
        by=context.me,
        author=plain_line(context.my_name),
        time="",
        text=plain(mentions.read(draft.text, names)),
        blocks=_blocks(draft.text),
        called=_called(draft.text, names),
        opens=opens,
        is_own=True,
        state="refused" if is_refused else "sending",
        quote=_quote(view, draft.re, names, words),
        marks=() if is_refused else (mark,),
        note=f"{words.reason(draft.refused)} ({words.refused_keys})" if draft.refused is not None else "",
    )


def _quote(view: RoomView, q: int | None, names: Mapping[str, str], words: Words) -> Quote | None:
    if q is None:
        return None
    message = view.find(q)
    if message is None:
        return Quote("", "", words.gone)
    said = markdown.words_of(_blocks(message.text[:QUOTED]), names) or " ".join(
        f"📎 {file.name}" for file in message.files
    )
    text = words.deleted if message.deleted is not None else said
    return Quote(message.by, author_of(view, message.by), plain_line(text))


def _reactions(reactions: Mapping[str, Sequence[str]], me: str) -> tuple[Reaction, ...]:
    return tuple(Reaction(plain_line(emoji), len(users), me in users) for emoji, users in reactions.items())
