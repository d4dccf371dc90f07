"""What people may do in a room, chosen by chance, for those who count afterwards what waits for whom."""

from __future__ import annotations

from random import Random
from typing import Any, Final, TypeAlias

PEOPLE: Final = 4
EVERYTHING: Final = 10**9
"""A number that no message has yet: everything is read."""

Step: TypeAlias = tuple[Any, ...]
"""A kind, who does it, and what belongs to it; messages and people are numbers, whatever there is of them."""


def choose_step(random: Random) -> Step:
    """Choose what somebody does next."""
    who, other, which = random.randrange(PEOPLE), random.randrange(PEOPLE), random.randrange(100)
    mentioned = tuple(random.sample(range(PEOPLE), random.choice([0, 1, 2])))
    on = random.random() < 0.6
    said = [("post", random.randrange(PEOPLE), mentioned, random.choice([None, which])) for _ in range(4)]
    choices: dict[Step, int] = {
        ("crowd", *said): 3,
        ("post", who, mentioned, None): 10,
        ("post", who, mentioned, which): 6,
        ("edit", who, which, mentioned): 3,
        ("delete", who, which): 5,
        ("react", who, which, random.choice("👍❤"), on): 4,
        ("pin", who, which, on): 3,
        ("read", who, which, not on): 5,
        ("read", who, EVERYTHING, False): 2,
        ("join", who): 3,
        ("leave", who): 1,
        (random.choice(["kick", "ban"]), who, other): 2,
        (random.choice(["unban", "invite", "moderator", "owner"]), who, other): 3,
        ("again", which): 4,
    }
    [step] = random.choices(list(choices), list(choices.values()))
    return step
