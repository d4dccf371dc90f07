"""Who is examined when: the cases divided among processes, and how far that is.

It knows what cases cost, and refuses to know how they are run.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from testees import Examination, ExaminationFailed, Testee

# Seconds of work for one process of the suite, which takes about one to start.
PART = 15.0
INTERVAL = 10.0
# Seconds a case, as measured.  The last number of a case of compression stands for the size of its messages.
COMPRESSED = [0.3, 0.3, 0.3, 0.4, 0.4, 0.5, 0.7, 1.1, 1.8, 3.5, 0.5, 0.8, 1.2, 2.0, 3.8, 3.6, 3.6, 3.6]
LIMITS = 0.2
CORE = 0.03


def cost(case: str) -> float:
    """Return about how many seconds a case takes."""
    group, *_, last = case.split(".")
    if group in ("12", "13"):
        return COMPRESSED[min(int(last), len(COMPRESSED)) - 1]
    return LIMITS if group == "9" else CORE


def divide(testee: Testee, cases: Sequence[str]) -> list[Examination]:
    """Divide the cases of one testee, in their order, into parts of about the same duration."""
    parts: list[list[str]] = []
    size = PART
    for case in cases:
        if size + cost(case) > PART:
            parts.append([])
            size = 0.0
        parts[-1].append(case)
        size += cost(case)
    return [Examination(testee, number, part) for number, part in enumerate(parts, 1)]


async def examine(examinations: Sequence[Examination], processes: int) -> float:
    """Run all examinations, a few at a time, and show how far it is; return the seconds that it took.

    Raises:
        ExaminationFailed: as soon as one could not be done to its end; the others are ended.
    """
    waiting = deque(examinations)
    progress = Progress([case for each in examinations for case in each.cases], processes)

    async def work() -> None:
        while waiting:
            await waiting.popleft().run(progress.begun)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(processes):
                group.create_task(work())
    except* ExaminationFailed as failures:
        failure = failures.exceptions[0]
    else:
        return progress.seconds
    raise failure


class Progress:
    """Counts the cases that have begun, and says now and then how far it is."""

    def __init__(self, cases: Sequence[str], processes: int) -> None:
        self._count = len(cases)
        self._cost = sum(map(cost, cases))
        self._begun = 0
        self._spent = 0.0
        self._start = self._shown = time.monotonic()
        print(
            f"{self._count} cases, {processes} at a time: about {spell(self._cost / processes)}", flush=True
        )

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._start

    def begun(self, testee: Testee, case: str) -> None:
        """Note that a case begins."""
        now = time.monotonic()
        if now >= self._shown + INTERVAL:
            self._shown = now
            left = self.seconds * (self._cost - self._spent) / max(self._spent, 1.0)
            print(
                f"{self._begun} of {self._count} done, about {spell(left)} left ({testee.title}: {case})",
                flush=True,
            )
        self._begun += 1
        self._spent += cost(case)


def spell(seconds: float) -> str:
    """Write a duration as people read it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
