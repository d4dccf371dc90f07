"""A server that is changed where it has no setting."""

from __future__ import annotations

from pathlib import Path

from faults.hasty import hasty, read_statements
from faults.lab import Lab
from faults.suite import open_stage


async def test_times_are_changed(tmp_path: Path) -> None:
    """A server runs with the times that it is given."""
    async with Lab(tmp_path, 1) as lab:
        await lab.start_server(*hasty({"realtime.session:HELLO_TIMEOUT": 0.01}))
        async with open_stage(lab) as stage:
            silent = await stage.dial("somebody")
            _, code = await silent.wait_closed()

    assert code == 4006


async def test_statements_are_counted(tmp_path: Path) -> None:
    """What a server gives its database is counted, while it runs."""
    counted = tmp_path / "statements"
    async with Lab(tmp_path, 1) as lab:
        await lab.start_server(*hasty(statements=counted))
        before = read_statements(counted)
        await lab.admit("ann")

        assert 0 < before < read_statements(counted)
