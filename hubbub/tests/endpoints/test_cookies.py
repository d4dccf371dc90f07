"""The cookie, written and read."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from hubbub.endpoints import cookies


@pytest.mark.parametrize(
    "header,token",
    [
        (None, None),
        ("", None),
        ("hubbub_session=abc", "abc"),
        ("a=1; hubbub_session=abc; b=2", "abc"),
        ("hubbub_session=a=b", "a=b"),
        ("hubbub_session=", None),
        ("not_hubbub_session=abc", None),
        ("hubbub_session", None),
        (";;=;", None),
    ],
)
def test_token_is_found(header: str | None, token: str | None) -> None:
    """The token is found among other cookies, and nowhere else."""
    assert cookies.read(header) == token


@pytest.mark.parametrize("secure", [True, False])
def test_cookie_is_out_of_reach(secure: bool) -> None:
    """Scripts and other sites don't get the cookie, nor anyone on the way if the server is at HTTPS."""
    response = Response()
    cookies.write(response, "abc", secure=secure)

    attributes = set(response.headers["set-cookie"].lower().split("; "))
    assert attributes == {
        "hubbub_session=abc",
        "httponly",
        "samesite=lax",
        "path=/",
        "max-age=31536000",
        *(["secure"] if secure else []),
    }


def test_cleared_cookie_is_gone() -> None:
    """A cookie that is cleared has nothing in it, and no time left."""
    response = Response()
    cookies.clear(response, secure=False)

    assert 'hubbub_session=""' in response.headers["set-cookie"]
    assert "Max-Age=0" in response.headers["set-cookie"]
