"""What a user keeps of their own, as it is on all their devices.

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
