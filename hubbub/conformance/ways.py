"""The ways in which a server can break a rule: what each makes of the frames of one that keeps them all.

A way knows the frames as plain JSON, and is told of each: what a client asked, and what the server said.  It
returns what goes on instead.  What it has to remember of one connection, it keeps in the `notes` of its ends.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from fullduplex import ClientConnection, ConnectionClosed, ServerConnection
from hubbub import wire

Frame = dict[str, Any]
_WRITES: Final = {"send", "edit", "del", "react", "pin"}
_OWN: Final = 2**50
"""The id of requests that no client asked."""


@dataclass(eq=False)
class Ends:
    """The two ends of one connection through the proxy."""

    client: ServerConnection
    server: ClientConnection
    notes: dict[Any, Any] = field(default_factory=dict)

    def tell_client(self, frame: Frame) -> None:
        """Say something that the server didn't."""
        _tell(self.client, frame)

    def tell_server(self, frame: Frame) -> None:
        """Ask something that the client didn't."""
        _tell(self.server, frame)


def _tell(connection: ClientConnection | ServerConnection, frame: Frame) -> None:
    try:
        connection.send_nowait(json.dumps(frame))
    except ConnectionClosed:
        pass


class Way:
    """Changes nothing; each way overrides what it changes.  `rule` is the one that it breaks."""

    rule: ClassVar[str] = ""

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Return what the server gets in place of a client's frame."""
        return [frame]

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Return what the client gets in place of a server's frame."""
        return [frame]

    def closing(self, code: int, reason: str) -> tuple[int, str]:
        """Return by which code and reason the client is cut off in place of the server's."""
        return code, reason


class Nothing(Way):
    """Break no rule."""


class Renumber(Way):
    """Leave a hole before the last event of whatever page has one."""

    rule = "R1"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Count one up."""
        if frame.get("ev"):
            frame["ev"][-1]["q"] += 1
        return [frame]


class Reorder(Way):
    """Exchange each two messages that come live."""

    rule = "R1"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Keep one back until the next has gone."""
        if frame["t"] != "ev" or frame["k"] != "msg.new":
            return [frame]
        held = ends.notes.pop(frame["s"], None)
        if held is None:
            ends.notes[frame["s"]] = frame
            return []
        return [frame, held]


class ForgetNonces(Way):
    """Do again what is sent again."""

    rule = "R2"

    def __init__(self) -> None:
        self._used: set[str] = set()

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Give each write a nonce of its own."""
        if frame.get("t") in _WRITES:
            if frame["n"] in self._used:
                frame["n"] = secrets.token_urlsafe(12)
            self._used.add(frame["n"])
        return [frame]


class Overtake(Way):
    """Let later writes pass one that was refused."""

    rule = "R2"

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Note what may be refused."""
        if frame.get("t") in _WRITES:
            ends.notes[frame["id"]] = frame
        return [frame]

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Give up what was refused, in the client's place."""
        refused = ends.notes.get(frame.get("id"))
        if refused is not None and frame["t"] == "err" and frame["retry"]:
            ends.tell_server({"t": "skip", "id": _OWN, "s": refused["s"], "n": refused["n"]})
        return [] if frame.get("id") == _OWN else [frame]


class AnswerFirst(Way):
    """Say ok to messages, and lose them."""

    rule = "R3"

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Answer in the server's place."""
        if frame.get("t") != "send":
            return [frame]
        ends.tell_client({"t": "ok", "id": frame["id"], "q": 3, "ts": time.time_ns() // 1_000_000})
        return []


class Drop(Way):
    """Lose every third event that comes live."""

    rule = "R4"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Count, and leave out."""
        if frame["t"] != "ev":
            return [frame]
        ends.notes["count"] = ends.notes.get("count", 0) + 1
        return [] if ends.notes["count"] % 3 == 0 else [frame]


class HideHeads(Way):
    """Ping without saying how far the streams are."""

    rule = "R4"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Leave the heads out."""
        if frame["t"] == "ping":
            frame.pop("heads", None)
        return [frame]


class Shorten(Way):
    """Leave the first event out of a delta."""

    rule = "R5"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Leave it out."""
        if frame.get("mode") == "delta":
            frame["ev"] = frame["ev"][1:]
        return [frame]


class GoLiveLate(Way):
    """Lose the first event after each answer to sub."""

    rule = "R6"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Leave out one event after a copy."""
        if frame["t"] == "ok" and "mode" in frame:
            ends.notes["fresh"] = True
        elif frame["t"] == "ev" and frame["s"] != wire.ME and ends.notes.pop("fresh", False):
            return []
        return [frame]


class Stale(Way):
    """Show changed messages as if they never were."""

    rule = "R7"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Put each message's `rev` back to its beginning."""
        for message in frame.get("msgs", ()):
            message["rev"] = message["q"]
        return [frame]


class Leak(Way):
    """Go on telling who was removed."""

    rule = "R8"

    def __init__(self) -> None:
        self._removed: defaultdict[str, set[Ends]] = defaultdict(set)

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Give what others hear to whoever was removed."""
        if frame["t"] != "ev":
            return [frame]
        if frame["k"] == "room.rm":
            self._removed[frame["d"]["room"]].add(ends)
        for other in self._removed[frame["s"]] - {ends}:
            other.tell_client(frame)
        return [frame]


class AnyEpoch(Way):
    """Take numbers of another epoch for those of this one."""

    rule = "R9"

    def __init__(self) -> None:
        self._epochs: dict[str, int] = {}

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Put the right epoch in place of the client's."""
        if frame.get("t") == "sub":
            ends.notes[frame["id"]] = frame["s"]
            if "at" in frame:
                frame["at"] = [self._epochs.get(frame["s"], frame["at"][0]), frame["at"][1]]
        return [frame]

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Note which epoch a stream has."""
        if frame["t"] == "ok" and frame["id"] in ends.notes:
            self._epochs[ends.notes[frame["id"]]] = frame["epoch"]
        return [frame]


class TakeForBroken(Way):
    """Take what isn't known for what can't be read."""

    rule = "R10"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Say another code."""
        if frame.get("code") == "unknown_op":
            frame["code"] = "bad_frame"
        return [frame]


class Remember(Way):
    """Show what was deleted to whoever reads it later."""

    rule = "R11"

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, int], Any] = {}

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Keep every body, and put it back."""
        for event in [frame] if frame["t"] == "ev" else frame.get("ev", ()):
            if event["d"] != {}:
                self._bodies[event["s"], event["q"]] = event["d"]
            event["d"] = self._bodies.get((event["s"], event["q"]), event["d"])
        return [frame]


class Abridge(Way):
    """Leave a field out of what every page has."""

    rule = "frames"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Leave out the names."""
        for answer in (frame, frame.get("r", {})):
            answer.pop("users", None)
        return [frame]


class TakeAnything(Way):
    """Take texts that are too long, by what fits of them."""

    rule = "limits"

    def asked(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Cut a text off."""
        if frame.get("t") == "send" and isinstance(frame.get("d"), dict):
            frame["d"]["text"] = frame["d"]["text"][:16_000]
        return [frame]


class TellWhatIsThere(Way):
    """Tell what is there from what isn't."""

    rule = "errors"

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Say that it is forbidden."""
        if frame.get("code") == "not_found":
            frame["code"] = "forbidden"
        return [frame]


class CloseSilently(Way):
    """Close without a reason."""

    rule = "closing"

    def closing(self, code: int, reason: str) -> tuple[int, str]:
        """Say that all is well."""
        return (1000, "") if code >= 4000 else (code, reason)

    def said(self, ends: Ends, frame: Frame) -> list[Frame]:
        """Leave the goodbye out."""
        return [] if frame["t"] == "bye" else [frame]


WAYS: Final[dict[str, type[Way]]] = {
    "nothing": Nothing,
    "renumber": Renumber,
    "reorder": Reorder,
    "forget-nonces": ForgetNonces,
    "overtake": Overtake,
    "answer-first": AnswerFirst,
    "drop": Drop,
    "hide-heads": HideHeads,
    "shorten": Shorten,
    "go-live-late": GoLiveLate,
    "stale": Stale,
    "leak": Leak,
    "any-epoch": AnyEpoch,
    "take-for-broken": TakeForBroken,
    "remember": Remember,
    "abridge": Abridge,
    "take-anything": TakeAnything,
    "tell-what-is-there": TellWhatIsThere,
    "close-silently": CloseSilently,
}
