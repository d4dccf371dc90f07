"""Every endpoint together."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "method,path,status",
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/me", 405),
        ("DELETE", "/v1/guests", 405),
        ("GET", "/v1/session", 405),
        ("POST", "/", 405),
    ],
)
async def test_wrong_address_is_told(browser, method, path, status) -> None:
    """A path or method that isn't there is told in JSON."""
    answer = await browser.request(method, path)

    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"code", "msg", "retry"}


async def test_broken_endpoint_tells_nothing(browser, monkeypatch) -> None:
    """A mistake of ours is answered without its words."""

    async def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("hubbub.endpoints.callers.authenticate", fail)
    answer = await browser.get("/v1/me", headers={"Cookie": "hubbub_session=x"})

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text
