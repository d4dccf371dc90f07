"""What a user keeps of their own, and of whom they want nothing, as it is on all their devices.

Knows which news concern it.
"""

from __future__ import annotations

from typing import Any

from hubbub import wire
from hubbub.client.news import Happened, News, Reset


class OwnValues(dict[str, Any]):
    """The values, by key."""

    def learn(self, news: News) -> None:
        """Take news, the next of their stream."""
        match news:
            case Reset(copy=wire.InboxCopy(own=own)):
                self.clear()
                self.update(own)
            case Happened(body=wire.SetBody(key=key, value=value)):
                if value is None:
                    self.pop(key, None)
                else:
                    self[key] = value


class BlockedUsers(dict[str, str]):
    """The names of those of whom the user wants nothing, by id."""

    def learn(self, news: News) -> None:
        """Take news, the next of their stream."""
        match news:
            case Reset(copy=wire.InboxCopy(blocked=blocked)):
                self.clear()
                self.update({user.id: user.name for user in blocked})
            case Happened(body=wire.BlockBody(user=user, on=True)):
                self[user.id] = user.name
            case Happened(body=wire.BlockBody(user=user)):
                self.pop(user.id, None)
