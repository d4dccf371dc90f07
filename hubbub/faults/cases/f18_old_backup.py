"""An old backup is put back, when people have seen and said more since, and one hasn't come back yet.

Everybody's copy is replaced by what the backup has: nobody has a message any more that isn't there.  Somebody
whose message is in the backup and was never acknowledged is told that it is; what was said while there was no
server is stored now.  Each is there once.
"""

from __future__ import annotations

from faults.case import Size, require
from faults.device import Device
from faults.failing import TRIP
from faults.lab import LOBBY, Lab


async def run(lab: Lab, size: Size) -> None:
    """Go back again and again."""
    await lab.start_server()
    talking = await lab.admit_all(size.pick(3, 10))
    cy = await lab.admit("cy")
    rounds = size.pick(1, 10)
    for number in range(rounds):
        await go_back(lab, talking, cy, number)
    lab.show("restored", rounds)
    lab.show("messages", len(lab.logs[LOBBY]))


async def go_back(lab: Lab, talking: list[Device], cy: Device, number: int) -> None:
    """Make a backup, go on, and put it back."""
    server = lab.server
    await say_something(lab, talking, f"old {number}")
    await lose_ack(lab, cy)
    backup = str(lab.folder / f"backup-{number}")
    await server.command("backup", backup)
    await lab.settle()
    heads = {s: len(log) for s, log in lab.logs.items()}

    await say_something(lab, talking, f"undone {number}")
    await lab.settle()
    await server.stop()
    await say_something(lab, talking, f"new {number}")
    await server.command("restore", backup)
    await lab.restart()
    await lab.note_restored(heads)
    before = len(cy.answers)
    await cy.arrive()
    await lab.settle()
    answers = list(cy.answers.values())[before:]
    require([getattr(each, "dup", None) for each in answers] == [True], f"cy was told {answers}")
    for device in (*talking, cy):
        check_copy(lab, device)


async def say_something(lab: Lab, talking: list[Device], what: str) -> None:
    """Let everybody say a few things, which they may not be able to send yet."""
    for device in talking:
        for count in range(lab.chance.randint(3, 20)):
            device.write(LOBBY, f"{what}: {count}")
    if lab.server.is_running:
        await lab.settle()


async def lose_ack(lab: Lab, device: Device) -> None:
    """Let the server store what someone says, and die before the answer; they leave."""
    await lab.restart("before_ack")
    device.write(LOBBY, TRIP)
    await lab.server.wait_ended()
    await device.leave()
    await lab.restart()


def check_copy(lab: Lab, device: Device) -> None:
    """See that what someone has of the room is the end of what is stored."""
    stored = [(entry.q, entry.d["text"]) for entry in lab.logs[LOBBY] if entry.k == "msg.new"]
    copy = [(message.q, message.text) for message in device.client.rooms[LOBBY].messages]
    require(copy, f"{device.name} has nothing")
    require(copy == stored[-len(copy) :], f"{device.name} has what isn't stored")
