"""What addresses and headers say."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from hubbub.domain.errors import ChatError
from hubbub.domain.models import User
from hubbub.endpoints.query import read_id, read_nonce, read_query, read_stream
from hubbub.wire import http

ANN = User("u_ann", "Ann", "guest")


def request(query: str = "", **path: str) -> Request:
    """Make a request."""
    return Request({"type": "http", "query_string": query.encode(), "path_params": path, "headers": []})


def test_query_is_read() -> None:
    """Numbers are read, what is unknown is passed over, and what lacks is as declared."""
    read = read_query(request("after=7&wait=2.5&color=red"), http.EventsQuery)

    assert read == http.EventsQuery(7, 1_000, 2.5)


@pytest.mark.parametrize("query", ["", "after=x", "after=1&wait=-1", "after=1&wait=nan"])
def test_bad_query_is_refused(query: str) -> None:
    """What lacks a number, or has none where one should be, is refused."""
    with pytest.raises(ChatError, match=r"after|wait"):
        read_query(request(query), http.EventsQuery)


def test_own_stream_has_a_name() -> None:
    """One's own stream is called alike by everyone, and nobody's by its id."""
    assert read_stream(request(s="me"), ANN) == "u_ann"
    assert read_stream(request(s="r_lobby"), ANN) == "r_lobby"
    with pytest.raises(ChatError):
        read_stream(request(s="u_ann"), ANN)


@pytest.mark.parametrize("odd", ["r_\0", "r_a b", "r_好", "r_" + "x" * 63])
def test_odd_ids_are_not_found(odd: str) -> None:
    """What nothing can be called isn't looked for in the database."""
    for read in (lambda: read_stream(request(s=odd), ANN), lambda: read_id(request(id=odd), "id")):
        with pytest.raises(ChatError) as caught:
            read()
        assert caught.value.code == "not_found"
    assert read_id(request(id="x-Y_9"), "id") == "x-Y_9"


def test_missing_nonce_is_told() -> None:
    """Who forgot the nonce learns where it belongs."""
    with pytest.raises(ChatError, match="Idempotency-Key"):
        read_nonce(request())
