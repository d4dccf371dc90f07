"""The names that this server is asked for by."""

from __future__ import annotations

import httpx
import pytest

from hubbub.endpoints.names import REFUSAL, Names

PUBLIC = "https://chat.example"
PATHS = ["/", "/assets/main-1a2b.js", "/manifest.webmanifest", "/v1/me", "/v1/nothing"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8000",
        "192.168.1.7",
        "[::1]:8000",
        "[fd00::7]",
        "localhost:8000",
        "LOCALHOST",
        "chat.localhost:8000",
        "chosen.test",
        "Box.Example.Com:8000",
        "box",
        "box.local:8000",
    ],
)
def test_own_names_are_known(host: str) -> None:
    """Addresses, this machine's names and the one that is listened on are ours, at any port."""
    assert Names("Chosen.test", "BOX.example.com", None).include([host], "/")


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.test"],
        ["evil.test:8000"],
        ["localhost.evil.test"],
        ["evil-localhost"],
        ["127.0.0.1.evil.test"],
        ["127.0.0.1@evil.test"],
        ["evil.test@127.0.0.1"],
        ["evil.test#.localhost"],
        ["evil.test/.localhost"],
        ["127.1"],
        ["2130706433"],
        ["box.evil.test"],
        ["evil.local"],
        ["com"],
        ["[::1"],
        ["127.0.0.1:x"],
        [""],
        [],
        ["127.0.0.1", "127.0.0.1"],
        ["127.0.0.1", "evil.test"],
    ],
)
def test_strange_names_are_refused(hosts: list[str]) -> None:
    """A name that somebody else may have given our address isn't ours, however much it looks like one."""
    names = Names("0.0.0.0", "box.example.com", None)

    assert not names.include(hosts, "/")
    assert not names.include(hosts, "/healthz")


def test_public_name_is_the_only_one() -> None:
    """With a public address the others are for looking after the server's health alone."""
    names = Names("chosen.test", "box", PUBLIC + ":8443/")
    near = ["10.0.0.1:8000", "[::1]", "localhost"]

    assert names.include(["chat.example"], "/")
    assert names.include(["Chat.Example:8443"], "/healthz")
    assert not any(names.include([host], "/") for host in [*near, "chosen.test", "box", "evil.test"])
    assert all(names.include([host], "/healthz") for host in near)
    assert not any(names.include([host], "/healthz") for host in ["chosen.test", "box", "evil.test"])


@pytest.mark.parametrize("path", [*PATHS, "/healthz"])
async def test_strange_name_is_told(browser, path) -> None:
    """Whatever a page asks for whose own name leads here, it gets a sentence that says what to do."""
    answer = await browser.get(path, headers={"Host": "evil.test"})

    assert answer.status_code == 403
    assert answer.json() == {"error": {"code": "forbidden", "msg": REFUSAL, "retry": False}}
    assert "--public-url" in REFUSAL
    assert "content-security-policy" in answer.headers


async def test_strange_name_lets_nobody_in(browser) -> None:
    """A page whose own name leads here makes no guest, and ends no session."""
    await browser.post("/v1/guests", json={"name": "Ann"})
    evil = {"Host": "evil.test", "Origin": "http://evil.test"}
    first = await browser.post("/v1/guests", json={"name": "Eve"}, headers=evil)
    second = await browser.delete("/v1/session", headers=evil)

    assert (first.status_code, second.status_code) == (403, 403)
    assert (await browser.get("/v1/me")).json()["me"]["name"] == "Ann"


async def test_health_is_seen_from_near(make_chat) -> None:
    """Behind a proxy, whoever watches the server asks it by its address, and for nothing else."""
    transport = httpx.ASGITransport(make_chat(PUBLIC, Names("127.0.0.1", "box", PUBLIC)))
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.1:8000") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert [(await client.get(path)).status_code for path in PATHS] == [403] * len(PATHS)
