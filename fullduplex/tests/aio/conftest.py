"""Loops to run on, all of them, TLS to serve with, and an environment without proxies."""

from __future__ import annotations

import os
import ssl

import pytest

from ..loops import pytest_asyncio_loop_factories  # noqa: F401 - a hook, which is looked for here
from .certificate import contexts, make_certificate


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts for a server called localhost, and for a client that trusts it."""
    return contexts(make_certificate(tmp_path_factory.mktemp("tls")))


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what the environment says of proxies, and for whom not."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
