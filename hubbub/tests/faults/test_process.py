"""What the system says of a process."""

from __future__ import annotations

import os
import time

from faults.process import busy_seconds, descriptors, memory, most_memory


def test_memory_grows_and_shrinks() -> None:
    """Memory is counted while there is some, and the most that there was afterwards, too."""
    own = os.getpid()
    before = memory(own)
    much = bytearray(os.urandom(1)) * (64 * 2**20)
    during = memory(own)
    del much

    assert during - before > 48 * 2**20
    # The system counts pages in lots.
    assert most_memory(own) > during - 2**20


def test_work_is_counted() -> None:
    """Time counts in which a process works, as the system's own clock has it."""
    before, began = busy_seconds(os.getpid()), time.process_time()
    while time.process_time() < began + 0.1:
        pass

    assert 0.05 < busy_seconds(os.getpid()) - before < 1


def test_descriptors_are_counted() -> None:
    """Each that is opened counts, until it is closed."""
    before = descriptors(os.getpid())
    reading, writing = os.pipe()
    during = descriptors(os.getpid())
    os.close(reading)
    os.close(writing)

    assert (during - before, descriptors(os.getpid()) - before) == (2, 0)
