"""Tickets: for whom, how long, how many, and what is seen of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fullduplex.auth.tickets import Tickets, ticket_auth

from .ends import know, know_later, serving, status_of, told


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_ticket_works_once() -> None:
    """A ticket gives its user, and then nobody; other words give nobody at all."""
    tickets: Tickets[str] = Tickets()
    ann, bob = tickets.issue("ann"), tickets.issue("bob")

    assert tickets.redeem("") is None
    assert tickets.redeem(ann + "x") is None
    assert tickets.redeem(bob) == "bob"
    assert tickets.redeem(ann) == "ann"
    assert tickets.redeem(ann) is tickets.redeem(bob) is None


def test_tickets_are_random() -> None:
    """A ticket has 256 bits, and stands in a URL as it is."""
    tickets: Tickets[str] = Tickets()
    issued = {tickets.issue("ann") for _ in range(100)}

    assert len(issued) == 100
    assert all(len(ticket) == 43 and ticket.replace("-", "").replace("_", "").isalnum() for ticket in issued)


def test_tickets_expire() -> None:
    """A ticket isn't redeemed after its lifetime, be it the first time."""
    clock = Clock()
    tickets: Tickets[str] = Tickets(30, clock=clock)
    first, second = tickets.issue("ann"), tickets.issue("ann")
    clock.now = 29.9
    assert tickets.redeem(first) == "ann"
    clock.now = 30
    assert tickets.redeem(second) is None


def test_oldest_make_room() -> None:
    """At the capacity the oldest ticket goes, whatever was redeemed before it."""
    tickets: Tickets[int] = Tickets(capacity=3)
    issued = [tickets.issue(number) for number in range(1, 4)]
    assert tickets.redeem(issued[1]) == 2
    issued += [tickets.issue(number) for number in range(4, 6)]

    assert [tickets.redeem(ticket) for ticket in issued] == [None, None, 3, 4, 5]


def test_expired_are_forgotten() -> None:
    """Tickets that nobody redeems are dropped as new ones are issued."""
    clock = Clock()
    tickets: Tickets[int] = Tickets(30, clock=clock)
    for clock.now in range(1000):
        tickets.issue(1)

    assert repr(tickets) == "<Tickets: 30 of 65536 issued>"


def test_tickets_arent_kept() -> None:
    """Who reads the memory of a process, or its logs, finds no ticket that could be used."""
    tickets: Tickets[str] = Tickets()
    ticket = tickets.issue("ann")

    assert ticket not in repr(vars(tickets))
    assert ticket.encode() not in b"".join(tickets._issued)


def test_threads_may_share() -> None:
    """Tickets are issued and redeemed in any thread: who counts them, or takes one, is alone with them."""
    tickets: Tickets[str] = Tickets(capacity=1)

    class Guarded(dict[bytes, Any]):
        def __len__(self) -> int:
            assert tickets._lock.locked()
            return super().__len__()

        def pop(self, *arguments: Any) -> Any:
            assert tickets._lock.locked()
            return super().pop(*arguments)

    tickets._issued = Guarded()
    issued = [tickets.issue(name) for name in ("ann", "bob")]
    redeemed: list[Any] = []
    threads = [
        threading.Thread(target=lambda ticket=ticket: redeemed.append(tickets.redeem(ticket)))
        for ticket in issued * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(redeemed, key=str) == [None, None, None, None, None, "bob"]


@pytest.mark.parametrize("arguments", [{"lifetime": 0}, {"lifetime": -1}, {"capacity": 0}], ids=str)
def test_bad_options_are_refused(arguments: Any) -> None:
    """Tickets that can't be redeemed aren't issued."""
    with pytest.raises(ValueError, match="positive"):
        Tickets(**arguments)


def test_ticket_is_for_someone() -> None:
    """A user that is false could never come in."""
    with pytest.raises(ValueError, match="someone"):
        Tickets().issue("")


async def test_ticket_lets_in(face: str) -> None:
    """A ticket in the query lets in once; nobody sees it, and the rest of the query stays as it was."""
    tickets: Tickets[str] = Tickets()
    async with serving(face, ticket_auth(tickets.redeem)) as address:
        for before, after in [
            ("/a?ticket=%s", "/a"),
            ("/?ticket=%s&room=%%31", "/?room=%31"),
            ("/?a&b=&ticket=%s&+%%26", "/?a&b=&+%26"),
            ("/?tick%%65t=%s", "/"),
        ]:
            path = before % tickets.issue("ann")
            assert await told(address + path) == f"ann None {after}"
            assert status_of(await told(address + path)) == 403


@pytest.mark.parametrize(
    "query, status",
    [
        ("", 403),
        ("?", 403),
        ("?ticket", 403),
        ("?ticket=", 403),
        ("?ticket=nobody", 403),
        ("?Ticket=secret", 403),
        ("?ticket=secret&ticket=secret", 403),
        ("?ticket=banned", 403),
        ("?ticket=else", 500),
    ],
)
@pytest.mark.parametrize("check", [know, know_later])
async def test_others_are_refused(query: str, status: int, check: Any, face: str) -> None:
    """Without a ticket, or with several, nobody comes in; what redeems them may be anything."""

    def redeem(ticket: str) -> Any:
        return check(ticket) if ticket else None

    async with serving(face, ticket_auth(redeem)) as address:
        assert status_of(await told(f"{address}/{query}")) == status


async def test_parameter_has_a_name() -> None:
    """The parameter may be called otherwise."""
    async with serving("coroutines", ticket_auth(know, parameter="t")) as address:
        assert await told(f"{address}/?t=secret&ticket=x") == "ann None /?ticket=x"
