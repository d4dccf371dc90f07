"""The disk fails to take what is written (every sync is an `EIO`), again and again; then the power is cut.

Nothing is acknowledged that a failed sync was for, although the next sync succeeds: what it was for is gone.
When the disk is well again, what was refused for now is stored.
"""

from __future__ import annotations

import asyncio

from faults.case import Size, require
from faults.cases.f03_power_cut import cut_often, live
from faults.disk import Kind, Recorder
from faults.lab import LOBBY, Lab


async def run(lab: Lab, size: Size) -> None:
    """Let syncs fail, and cut the power in thought and in the end."""
    server = await lab.start_server()
    await lab.admit_all(4)
    recorder = Recorder(server.folder, lab.folder)
    server.environment |= recorder.environment
    life = await live(lab, recorder, fail_sometimes(lab, recorder, size.pick(3, 30)))
    cuts = size.pick(16, 200)
    lost = await cut_often(lab, life, cuts)
    require(not lost, f"people were told of messages whose sync failed: {sorted(lost)[:5]}")
    failed = sum(step.kind is Kind.FAILED for step in life.steps)
    require(failed, "no sync failed: nothing was seen")
    lab.show("failed syncs", failed)
    lab.show("cuts of power", cuts)
    await lab.settle()
    lab.show("messages", len(lab.logs[LOBBY]))


async def fail_sometimes(lab: Lab, recorder: Recorder, times: int) -> None:
    """Let the disk fail for a moment, and be well for another."""
    for _ in range(times):
        await asyncio.sleep(lab.chance.uniform(0.3, 0.8))
        recorder.fail(on=True)
        await asyncio.sleep(lab.chance.uniform(0.1, 0.5))
        recorder.fail(on=False)
    await asyncio.sleep(0.5)
