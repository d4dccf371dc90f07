"""The screen: one's rooms, what is said in one of them, and what one writes there.

Knows what keys mean, and what is shown where.  What is true of rooms the client knows, and of who
looks and writes there `looking`, `writing` and `company` do; this asks them, and shows it anew whenever there
are news.

Invariants:

1. The room on the screen is subscribed to in full, all others at the level `badge`.
2. A room is marked as read only up to what was on the screen of a terminal that has the focus.
3. What is being written in a room stays there until it is sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import ClassVar, Final

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import TextArea

from hubbub import wire
from hubbub.client import (
    Client,
    Happened,
    Lost,
    Opened,
    Overheard,
    Posted,
    Refused,
    RequestRefused,
    Reset,
    RoomView,
    SessionEnded,
    Stored,
)
from hubbub.client.news import News
from hubbub.client.view import MESSAGES
from hubbub.terminal import asking, mentions, showing
from hubbub.terminal.company import Company
from hubbub.terminal.composer import Composer
from hubbub.terminal.entries import Context, Post, author_of, compose, room_name
from hubbub.terminal.looking import Looking
from hubbub.terminal.plain import plain
from hubbub.terminal.roomlist import RoomList, Row
from hubbub.terminal.sending import Sender
from hubbub.terminal.showing import Connection
from hubbub.terminal.signs import Sign
from hubbub.terminal.themes import Palette
from hubbub.terminal.timeline import Timeline
from hubbub.terminal.words import Words
from hubbub.terminal.writing import Writing, Writings

NARROW: Final = 80
"""Columns below which the list of rooms isn't shown."""
LOW: Final = 16
"""Lines below which nothing stands apart."""
PAGE: Final = 100
LONGEST: Final = 16_000
"""Characters of a message, until the server says otherwise."""
RETRY: Final = 1.0
MEMBER_PAGES: Final = 5


class Conversation(Screen[None]):
    """Everything that is on the screen most of the time."""

    CSS = """
    Conversation { background: $background; color: $foreground; }
    #rooms { width: 26; background: $sunken; padding: 1 0 0 0; }
    #rooms-title { height: 1; color: $quiet; padding: 0 1; margin: 0 0 1 0; }
    #header { height: 1; margin: 1 2; }
    #header.low { margin: 0 2; }
    #banner { height: auto; display: none; background: $mention; color: $mention-ink; padding: 0 2; }
    #banner.said { display: block; }
    RoomList { height: 1fr; background: $sunken; }
    /* 1fr would leave out as much as the others' margins. */
    Timeline { width: 100%; height: 1fr; background: $background; }
    #below { height: 1; color: $quiet; padding: 0 2; }
    #writing {
        height: auto; margin: 0 2; padding: 1 2 1 1; background: $surface;
        border-left: outer $line-strong;
    }
    #writing.low { padding: 0 2 0 1; }
    #writing:focus-within { border-left: outer $accent; }
    #purpose { height: 1; display: none; color: $quiet; }
    #purpose.said { display: block; }
    Composer {
        height: auto; max-height: 9; background: $surface; border: none; padding: 0;
        scrollbar-size-vertical: 1; overflow-x: hidden;
    }
    Composer .text-area--placeholder { color: $quiet; }
    #status { height: 1; margin: 0 2 0 2; color: $quiet; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "switch_room", priority=True, show=False),
        Binding("alt+up", "step_room(-1)", priority=True, show=False),
        Binding("alt+down", "step_room(1)", priority=True, show=False),
        Binding("f1", "help", priority=True, show=False),
        Binding("question_mark", "help", show=False),
        Binding("pageup", "page(-1)", priority=True, show=False),
        Binding("pagedown", "page(1)", priority=True, show=False),
        Binding("escape", "write", show=False),
        Binding("r", "reply", show=False),
        Binding("e", "edit", show=False),
        Binding("plus,colon", "react", show=False),
        Binding("c", "copy", show=False),
        Binding("delete,d", "delete", show=False),
    ]

    def __init__(self, client: Client, words: Words, palette: Palette, zone: tzinfo | None = None) -> None:
        super().__init__()
        self.client = client
        self.words = words
        self.palette = palette
        self.room: str | None = None
        self.sender = Sender(client, self._refresh_soon, self._complain)
        self._zone = zone
        self._company = Company()
        self._looking = Looking()
        self._writings = Writings()
        self._longest = LONGEST
        self._has_badges = True
        self._connection = Connection()
        self._wanted = ""
        self._shown_name = ""
        self._is_loading = False
        self._is_dirty = False

    def compose(self) -> ComposeResult:
        """Build it."""
        with Horizontal():
            with Vertical(id="rooms"):
                yield Sign(id="rooms-title")
                yield RoomList()
            with Vertical():
                yield Sign(id="header")
                yield Sign(id="banner")
                yield Timeline()
                yield Sign(id="below")
                with Vertical(id="writing"):
                    yield Sign(id="purpose")
                    yield Composer(self._names)
                yield Sign(id="status")

    def on_mount(self) -> None:
        """Begin with what the client knows already."""
        self.sender.outgoing.adopt(self.client.unsent)
        self.query_one(RoomList).can_focus = False
        self.query_one(Composer).focus()
        self.set_interval(1.0, self._tick)
        self.watch(self.app, "app_focus", self._focus_changed, init=False)
        self._follow_rooms()

    # News

    def learn(self, news: News) -> None:
        """Take what the client says has happened; its views have it already."""
        match news:
            case Opened(welcome=welcome):
                self._connection = Connection()
                self._longest = welcome.limits.text
                self._has_badges = "badge" in welcome.feat
            case Lost(wait=wait):
                self._connection.lose(wait, self._now())
            case Reset(stream=wire.ME):
                self._follow_rooms()
            case Reset(stream=room) if room == self.room:
                self._looking.arrived()
            case Happened():
                self._happened(news)
            case Overheard(body=wire.TypingInfo(user=user)) if user.id == self.client.me.id:
                pass
            case Overheard(stream=str(room)):
                self._company.overheard(room, news.body, news.ttl, self._now())
            case Stored(nonce=nonce, answer=wire.SendOk(q=q)):
                self.sender.outgoing.stored(nonce, q)
            case Refused(nonce=nonce, error=error):
                self.sender.outgoing.refused(nonce, error.code)
        self._refresh_soon()

    def _happened(self, news: Happened) -> None:
        match news.body:
            case wire.RoomAddedBody(room=room):
                self._follow(room.id)
                self._show_wanted()
            case wire.RoomRemovedBody(room=room, why=why):
                self._forget_room(room, told=why != "leave")
            case _ if news.room == self.room:
                self._looking.arrived()
        if isinstance(news, Posted):
            self._company.posted(news.room, news.by, self._now())
            if news.by == self.client.me.id:
                self.sender.outgoing.shown(news.body.n)
            elif news.room == self.room:
                self._looking.posted()

    # Rooms

    @property
    def view(self) -> RoomView | None:
        """The room on the screen."""
        return self.client.rooms.get(self.room) if self.room is not None else None

    def _follow_rooms(self) -> None:
        if self.room not in self.client.rooms:
            self.room = None
        for room in self.client.rooms:
            self._follow(room)
        self._refresh_soon()

    def _follow(self, room: str) -> None:
        if self.room is None:
            self.show_room(room)
        elif room != self.room:
            self.client.subscribe(room, "badge" if self._has_badges else "full")

    def _forget_room(self, room: str, *, told: bool) -> None:
        if room != self.room:
            return
        self.room = None
        if told:
            self._say(self.words.removed.format(self._shown_name))
        for other in self.client.rooms:
            self.show_room(other)
            return
        self._restore_writing(Writing())

    def show_room(self, room: str) -> None:
        """Put another room on the screen."""
        if room not in self.client.rooms or room == self.room:
            return
        before, self.room = self.room, room
        if before is not None and before in self.client.rooms:
            text = self.query_one(Composer).text
            self._writings.keep(before, replace(self._writings.of(before), text=text))
            self.client.rooms[before].limit = MESSAGES
            self.client.subscribe(before, "badge" if self._has_badges else "full")
        self.client.subscribe(room, "full")
        self._looking.come(self.client.rooms[room].marks)
        self._restore_writing(self._writings.of(room))
        self.query_one(Timeline).select(None)
        self._ask_members(room)
        self._refresh_soon()

    @work(exit_on_error=False, group="members", exclusive=True)
    async def _ask_members(self, room: str) -> None:
        """Learn what a room's members are called, to complete their names."""
        after: str | None = None
        for _ in range(MEMBER_PAGES):
            page = await self.sender.call(wire.ListMembers(room, after))
            if not isinstance(page, wire.MembersResult) or room not in self.client.rooms:
                return
            self.client.rooms[room].learn({each.id: wire.NameInfo(each.name) for each in page.members})
            after = page.next
            if after is None:
                return

    def _names(self) -> list[str]:
        view = self.view
        return [] if view is None else [author_of(view, user) for user in view.names]

    # Showing

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _refresh_soon(self) -> None:
        if not self._is_dirty and self.is_mounted:
            self._is_dirty = True
            self.call_later(self.refresh_all)

    def refresh_all(self) -> None:
        """Show everything as it is now."""
        self._is_dirty = False
        view = self.view
        self.query_one("#rooms").display = self.app.size.width >= NARROW
        for part in ("#header", "#writing"):
            self.query_one(part).set_class(self.app.size.height < LOW, "low")
        self._say_in("#rooms-title", f"{self.words.rooms}  {self.words.room_keys}")
        self.query_one(RoomList).show(self._rows(), self.room, self.palette)
        self._show_timeline(view)
        self._show_header(view)
        self._tick()

    def _rows(self) -> list[Row]:
        return [self._row(view) for view in self.client.rooms.values()]

    def _row(self, view: RoomView) -> Row:
        # What is read as it comes doesn't wait.
        is_read = view.id == self.room and self._looking.at_end and self.app.app_focus
        unread, mentioned = (0, 0) if is_read else (view.marks.unread, view.marks.mentions)
        is_private = view.info is not None and view.info.visibility == "private"
        is_talk = view.info is not None and view.info.kind != "room"
        return Row(view.id, room_name(view), unread, mentioned, is_private, is_talk)

    def _show_timeline(self, view: RoomView | None) -> None:
        timeline = self.query_one(Timeline)
        if view is None:
            timeline.show([], self.palette)
            return
        for message in view.messages[-1:]:
            self.sender.outgoing.reached(view.id, message.q)
        context = Context(
            me=self.client.me.id,
            my_name=self.client.me.name,
            words=self.words,
            now=datetime.now(self._zone).astimezone(self._zone),
            zone=self._zone,
            is_connected=self._connection.is_open,
            fresh_after=self._looking.fresh_after,
            address_of=self.client.address_of,
        )
        timeline.show(compose(view, self.sender.outgoing.of(view.id), context), self.palette)
        if self._looking.opens():
            timeline.open_at_fresh()

    def _show_header(self, view: RoomView | None) -> None:
        if view is None:
            self._say_in("#header", self.words.no_room)
            return
        self._shown_name = room_name(view)
        here = self._company.count(view)
        others = [row for row in self._rows() if row.room != view.id]
        elsewhere = 0 if self.query_one("#rooms").display else sum(row.unread for row in others)
        self._say_in("#header", showing.header(view, here, elsewhere, self.words, self.palette))

    def _tick(self) -> None:
        """Show what changes with time."""
        self._say_in("#banner", showing.banner(self._connection, self._now(), self.words))
        self._show_below()
        self._show_purpose()
        self._show_status()

    def _show_below(self) -> None:
        view = self.view
        names: list[str] = []
        if view is not None:
            names = [author_of(view, user) for user in self._company.typing(view.id, self._now())]
        self._say_in("#below", showing.below(self._looking.below, names, self.words, self.palette))

    def _show_purpose(self) -> None:
        view = self.view
        said = "" if view is None else showing.purpose(view, self._writings.of(view.id), self.words)
        self._say_in("#purpose", said)
        place = "" if view is None else self.words.write_to.format(room_name(view))
        composer = self.query_one(Composer)
        if str(composer.placeholder) != place:
            composer.placeholder = Content(place)

    def _show_status(self) -> None:
        composer, width = self.query_one(Composer), self.query_one("#status").size.width
        over, unsent = len(composer.text) - self._longest, len(self.sender.outgoing)
        name = self.client.me.name
        line = showing.status(name, self._connection, unsent, over, width, self.words, self.palette)
        self._say_in("#status", line)

    def _say_in(self, sign: str, content: Content | str) -> None:
        self.query_one(sign, Sign).say(content)

    def _complain(self, code: str) -> None:
        self._say(self.words.reason(code), bad=True)

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.notify(text, severity="error" if bad else "information", markup=False, timeout=5)

    # What is on the screen

    def on_resize(self) -> None:
        """Fit another size."""
        self._refresh_soon()

    def on_timeline_moved(self, event: Timeline.Moved) -> None:
        """Note what can be read now."""
        self._looking.moved(event.last, at_end=event.at_end)
        view = self.view
        if event.at_end and view is not None:
            view.limit = MESSAGES
        self._mark_read()
        self._show_below()

    def on_timeline_near_top(self) -> None:
        """Read what was said before."""
        view = self.view
        if view is not None and view.has_older and view.oldest is not None and not self._is_loading:
            self._is_loading = True
            self._load_older(view, view.oldest)

    @work(exit_on_error=False, group="older")
    async def _load_older(self, view: RoomView, before: int) -> None:
        view.limit = max(view.limit, len(view) + 2 * PAGE)
        try:
            await self.client.history(view.id, before=before, limit=PAGE)
        except RequestRefused:
            self._say(self.words.older_failed, bad=True)
            # Not at once again.
            await asyncio.sleep(RETRY)
        except SessionEnded:
            return
        finally:
            self._is_loading = False
        self._refresh_soon()

    def _focus_changed(self, has_focus: bool) -> None:
        view = self.view
        if has_focus:
            self._mark_read()
        elif view is not None:
            self._looking.looked_away(view.messages[-1].q if view.messages else None)

    def _mark_read(self) -> None:
        view, seen = self.view, self._looking.seen
        if view is None or seen is None or not self.app.app_focus or self.app.screen is not self:
            return
        if seen > view.marks.read:
            self.client.mark_read(view.id, seen)

    def on_screen_resume(self) -> None:
        """Show what happened behind a dialog."""
        self._mark_read()

    # Writing

    def _restore_writing(self, writing: Writing) -> None:
        if self.room is not None:
            self._writings.keep(self.room, writing)
        self.query_one(Composer).fill(writing.text)
        self._show_purpose()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Let others see that one types."""
        room, text = self.room, event.text_area.text
        if room is None or not self._writings.is_typed(room, text):
            return
        told = self._writings.typed(text, self._now())
        if told is not None:
            self.client.type(room, on=told)
        self._show_status()

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        """Send what was written."""
        view = self.view
        text = plain(event.text).strip()
        if view is None or not text or len(text) > self._longest:
            return
        writing = self._writings.of(view.id)
        text = mentions.write(text, view.names)
        if writing.editing is not None:
            message = view.find(writing.editing)
            base = message.base if message is not None else None
            written = replace(writing, text=event.text)
            editing = self.client.edit(view.id, writing.editing, text, base=base)
            self.sender.do(editing, otherwise=lambda: self._give_back(view.id, written))
        else:
            self._looking.wrote()
            self._writings.sent()
            self.sender.send(view.id, text, writing.reply_to)
        self._restore_writing(Writing())
        self.query_one(Timeline).go_to_end()

    def _give_back(self, room: str, writing: Writing) -> None:
        """Let what was refused be written again, unless something else is being written."""
        if room == self.room and not self.query_one(Composer).text:
            self._restore_writing(writing)

    def on_composer_stopped(self) -> None:
        """Write a new message after all."""
        if self.room is None:
            return
        writing = self._writings.of(self.room)
        if writing.editing is not None:
            self._restore_writing(Writing())
        elif writing.reply_to is not None:
            self._restore_writing(Writing(self.query_one(Composer).text))

    def on_composer_edit_last(self) -> None:
        """Edit one's last message."""
        posts = [entry for entry in self.query_one(Timeline).entries if isinstance(entry, Post)]
        own = [post for post in posts if post.is_own and post.state == "stored"]
        if own:
            self._edit(own[-1])

    def _edit(self, post: Post) -> None:
        view = self.view
        message = view.find(post.q) if view is not None and post.q is not None else None
        if view is None or message is None:
            return
        self._restore_writing(Writing(mentions.read(message.text, view.names), editing=message.q))
        self.action_write()

    # Keys

    def action_write(self) -> None:
        """Go back to writing."""
        self.query_one(Composer).focus()

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        timeline = self.query_one(Timeline)
        if step < 0:
            timeline.scroll_page_up(animate=False)
        else:
            timeline.scroll_page_down(animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave a letter to who writes."""
        if action in {"reply", "edit", "react", "copy", "delete"}:
            return isinstance(self.focused, Timeline)
        return True

    def _selected(self) -> Post | None:
        return self.query_one(Timeline).selected_post

    def action_reply(self) -> None:
        """Answer the selected message; one that was refused is sent again."""
        post = self._selected()
        if post is None or self.room is None:
            return
        if post.state == "refused":
            self.sender.retry(str(post.key))
        elif post.state == "stored":
            self._restore_writing(Writing(self.query_one(Composer).text, reply_to=post.q))
            self.action_write()

    def action_edit(self) -> None:
        """Edit the selected message."""
        post = self._selected()
        if post is not None and post.state == "stored":
            if post.is_own:
                self._edit(post)
            else:
                self._say(self.words.own_only)

    @work
    async def action_delete(self) -> None:
        """Delete the selected message; remove one that was refused."""
        post = self._selected()
        if post is None or self.room is None:
            return
        room = self.room
        if post.state == "refused":
            self.sender.outgoing.give_up(str(post.key))
            self._refresh_soon()
        elif (
            post.q is not None and post.state == "stored" and await asking.ask_deleting(self.app, self.words)
        ):
            self.sender.do(self.client.delete(room, post.q))

    @work
    async def action_react(self) -> None:
        """React to the selected message, or no longer."""
        post = self._selected()
        if post is None or self.room is None or post.q is None or post.state != "stored":
            return
        room = self.room
        emoji = await asking.ask_emoji(self.app, self.words)
        if emoji:
            is_on = any(each.emoji == emoji and each.is_own for each in post.reactions)
            self.sender.do(self.client.react(room, post.q, emoji, on=not is_on))

    def action_copy(self) -> None:
        """Copy the selected message."""
        post = self._selected()
        if post is not None:
            self.app.copy_to_clipboard(post.text)
            self._say(self.words.copied)

    def action_step_room(self, step: int) -> None:
        """Go to the room above or below."""
        rooms = list(self.client.rooms)
        if self.room in rooms:
            self.show_room(rooms[(rooms.index(self.room) + step) % len(rooms)])

    def action_help(self) -> None:
        """Show the keys."""
        asking.show_help(self.app, self.words)

    def action_show_people(self) -> None:
        """Show who is in the room."""
        if self.view is not None:
            asking.show_people(self.app, self.view, self.words, self.palette)

    @work
    async def action_switch_room(self) -> None:
        """Choose another room."""
        room = await asking.ask_room(self.app, self._rows(), self.words, self.palette)
        if room:
            self.show_room(room)
            self.action_write()

    @work
    async def action_join_room(self) -> None:
        """Choose a public room to join."""
        room = await asking.ask_public_room(self.app, self.sender, self.words, self.palette)
        if room:
            await self._enter(wire.JoinRoom(room))

    @work
    async def action_create_room(self) -> None:
        """Make a room."""
        wanted = await asking.ask_new_room(self.app, self.words)
        if wanted is not None:
            await self._enter(wanted)

    async def _enter(self, params: wire.JoinRoom | wire.CreateRoom) -> None:
        result = await self.sender.call(params)
        if isinstance(result, wire.RoomResult):
            self._wanted = result.room.id
            self._show_wanted()

    def _show_wanted(self) -> None:
        """Show the room that was joined or made, once it is known as one's own."""
        if self._wanted in self.client.rooms:
            room, self._wanted = self._wanted, ""
            self.show_room(room)
            self.action_write()

    @work
    async def action_leave_room(self) -> None:
        """Leave the room on the screen."""
        view = self.view
        if view is not None and await asking.ask_leaving(self.app, view, self.words):
            self.sender.do(self.client.call(wire.LeaveRoom(view.id)))
