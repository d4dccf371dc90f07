"""How many connections a server has at a time, in all and from one host.

Who comes when all places are taken stays for a while, without a place, to be
told so.  This module counts connections and refuses to know what they are, and
how they are told.

Invariants:

1. No more connections have a place than the limits say.
2. No more than twice as many are there at all.
3. A place is free again as soon as its connection has left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

__all__ = ["Admission", "check_limit"]


def check_limit(name: str, limit: int | None) -> None:
    """See that the option ``name`` is a number of connections, or None.

    Raises:
        ValueError: if it isn't.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"{name} must be positive or None")


class Admission:
    """The places of one server.

    Args:
        limit: connections at a time; None for no limit.
        host_limit: connections at a time from one host; None for no limit.
    """

    __slots__ = ("_host_limit", "_hosts", "_limits_for_all", "_placed", "_present", "_standing")

    def __init__(self, limit: int | None, host_limit: int | None) -> None:
        check_limit("max_connections", limit)
        check_limit("max_connections_per_host", host_limit)
        self._host_limit = host_limit
        self._limits_for_all: list[tuple[str | None, int]] = [] if limit is None else [(None, limit)]
        self._hosts: dict[Hashable, str | None] = {}
        # Those without a place: few, unlike the others.
        self._standing: set[Hashable] = set()
        # By host, and under None of all.
        self._present: Counter[str | None] = Counter()
        self._placed: Counter[str | None] = Counter()

    @property
    def counts_hosts(self) -> bool:
        """Whether it matters from which host a connection comes."""
        return self._host_limit is not None

    def enter(self, connection: Hashable, host: str | None) -> bool:
        """Note a connection; tell whether it may stay, be it to hear that there is no place.

        ``host`` is None where there are no hosts.
        """
        if not self.counts_hosts:
            host = None
        self._hosts[connection] = host
        self._standing.add(connection)
        may_stay = True
        for key, limit in self._limits_for(host):
            self._present[key] += 1
            may_stay = may_stay and self._present[key] <= 2 * limit
        self.take_place(connection)
        return may_stay

    def take_place(self, connection: Hashable) -> bool:
        """Give a connection its place, if it has none and there is one; tell whether it has one."""
        if connection not in self._standing:
            return True
        limits = self._limits_for(self._hosts[connection])
        for key, limit in limits:
            if self._placed[key] >= limit:
                return False
        self._standing.remove(connection)
        for key, _ in limits:
            self._placed[key] += 1
        return True

    def settle(self, connection: Hashable) -> None:
        """Remember of a connection with a place only that there is one more, if its host doesn't matter.

        Whoever has settled it knows it, and says so when it leaves.
        """
        if self._hosts[connection] is None:
            del self._hosts[connection]

    def leave(self, connection: Hashable, *, is_settled: bool = False) -> None:
        """Forget a connection; one that isn't known is no error."""
        if connection not in self._hosts and not is_settled:
            return
        keys = [key for key, _ in self._limits_for(self._hosts.pop(connection, None))]
        _take_off(self._present, keys)
        if connection in self._standing:
            self._standing.remove(connection)
        else:
            _take_off(self._placed, keys)

    def _limits_for(self, host: str | None) -> list[tuple[str | None, int]]:
        if self._host_limit is None or host is None:
            return self._limits_for_all
        return [*self._limits_for_all, (host, self._host_limit)]


def _take_off(counter: Counter[str | None], keys: list[str | None]) -> None:
    """Count one less of each; a host that has gone isn't kept."""
    for key in keys:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]
