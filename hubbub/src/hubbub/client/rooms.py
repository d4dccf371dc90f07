"""The rooms that a user belongs to, as they are to be shown.

Knows which news concern which room.
"""

from __future__ import annotations

from hubbub import wire
from hubbub.client.news import Happened, Named, News, Opened, Overheard, Reset, Waiting, Withheld
from hubbub.client.view import RoomView


class Rooms(dict[str, RoomView]):
    """The views, by the rooms' ids."""

    def __init__(self) -> None:
        super().__init__()
        self.me = ""
        """The id of the user who sees them."""
        self._opened = 0

    def learn(self, news: News) -> None:
        """Take news, the next of their stream."""
        match news:
            case Opened():
                self._opened = news.welcome.now
            case Reset(copy=wire.InboxCopy() as copy):
                self._fill(copy)
            case Happened() if news.event.s == wire.ME:
                self._inform(news.body, news.event.ts)
            case Happened() if news.event.s in self:
                self[news.event.s].happened(news)
            case Named() if news.stream in self:
                self[news.stream].named(news)
            case Reset():
                self._open(news.stream).reset(news)
            case Overheard(stream=str(room)) if room in self:
                self[room].overheard(news.body)
            case Waiting() if news.stream in self:
                self[news.stream].wait(news.head, news.unread, news.mentions)
            case Withheld() if news.stream in self:
                self[news.stream].unfollow()

    def _open(self, room: str) -> RoomView:
        return self.setdefault(room, RoomView(room, self.me))

    def _fill(self, copy: wire.InboxCopy) -> None:
        for gone in self.keys() - {room.id for room in copy.rooms}:
            del self[gone]
        for room in copy.rooms:
            self._open(room.id).filled(room, copy.marks.get(room.id), self._opened)

    def _inform(self, body: object, ts: int) -> None:
        match body:
            case wire.RoomAddedBody(room=room):
                self._open(room.id).info = room
            case wire.RoomRemovedBody(room=room_id):
                self.pop(room_id, None)
            case wire.ReadBody(s=room_id) if room_id in self:
                self[room_id].mark(body, ts)
            case wire.MentionBody(s=room_id) if room_id in self:
                self[room_id].mentioned(body)
