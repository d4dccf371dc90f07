"""Those who talk with each other: our faces, and others' clients and servers."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from ..aio.certificate import make_certificate
from . import ours, theirs


@pytest.fixture(params=ours.SERVERS)
def serving(request: pytest.FixtureRequest) -> ours.Serving:
    """Our server, through each of its faces."""
    return ours.SERVERS[request.param]


@pytest.fixture(params=ours.CLIENTS)
def connecting(request: pytest.FixtureRequest) -> ours.Connecting:
    """Our client, through each of its faces."""
    return ours.CLIENTS[request.param]


@pytest.fixture(params=[name for name in ours.CLIENTS if name != "browser"])
def pinging(request: pytest.FixtureRequest) -> ours.Connecting:
    """Our client, through each of the faces that can ping, pause and cut."""
    return ours.CLIENTS[request.param]


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Any:
    """What starts the client of theirs that `clients` names."""
    start = theirs.CLIENTS[request.param].start
    if request.param != "Chromium":
        return start
    return functools.partial(start, request.getfixturevalue("browser"))


@pytest.fixture
def their_server(request: pytest.FixtureRequest) -> Any:
    """What starts the server of theirs that `servers` names."""
    return theirs.SERVERS[request.param].start


@pytest.fixture(params=[True, False], ids=["compressed", "plain"])
def compress(request: pytest.FixtureRequest) -> bool:
    """Whether permessage-deflate is agreed."""
    wanted: bool = request.param
    return wanted


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine, with its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))
