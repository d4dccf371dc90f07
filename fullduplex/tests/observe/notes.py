"""An observer that notes what it is told."""

from __future__ import annotations

from typing import Any

from fullduplex.observe import Observer


class Notes(Observer):
    """Notes every event, with what is told of it besides the connection."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.connections: list[Any] = []

    @property
    def names(self) -> list[str]:
        """The events, without details."""
        return [event[0] for event in self.events]

    def details(self, name: str) -> list[tuple[Any, ...]]:
        """Return the details of every event of a name."""
        return [event[1:] for event in self.events if event[0] == name]

    def _note(self, name: str, connection: Any, *details: Any) -> None:
        self.events.append((name, *details))
        if connection not in self.connections:
            self.connections.append(connection)


def _noting(name: str) -> Any:
    return lambda self, connection, *details: self._note(name, connection, *details)


for _name in vars(Observer):
    if not _name.startswith("_"):
        setattr(Notes, _name, _noting(_name))
