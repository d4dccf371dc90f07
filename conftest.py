"""What the tests of both distributions share: a real browser, where its pictures go, and no proxy.

The browser is the Chromium that CHROMIUM names, as ./run test does, or the one on PATH.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

# pytest gives a test module the name of its path, fullduplex.tests.…, and would make a package of that name
# out of the folder.  It takes the real one if that has been imported by then.
import fullduplex  # noqa: F401
import hubbub  # noqa: F401

# A shell has what it starts in the background ignore Ctrl-C, and so would the programs that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What listens here is reached without the proxy that a machine may have, also by programs we start.
_HERE = "localhost,127.0.0.1,::1"
os.environ["no_proxy"] = f"{os.environ.get('no_proxy') or os.environ.get('NO_PROXY', '')},{_HERE}".lstrip(",")

CHROMIUM_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Chromium's sandbox refuses to run as root, which tests in a container are.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run a headless Chromium, with a fresh profile, for the whole session.

    Without one the test is skipped, and under CI it fails.
    """
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        reason = "no Chromium on PATH, and none named in CHROMIUM: nothing was tested in a browser"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for screenshots: the one that SCREENSHOTS names, else a temporary one."""
    named = os.environ.get("SCREENSHOTS")
    if named is None:
        return tmp_path_factory.mktemp("screenshots")
    folder = Path(named).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
