"""What an attack costs in memory, and messages that cost much."""

from __future__ import annotations

import contextlib
import gc
import tracemalloc
import zlib
from collections.abc import Iterator


@contextlib.contextmanager
def growth_within(limit: int) -> Iterator[None]:
    """See that what Python and zlib ask for within the block is at no moment more than ``limit`` bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= limit, f"{peak} bytes, {peak / limit:.2f} of what it may be"


def bomb(size: int) -> bytes:
    """Return the payload of a message that inflates to ``size`` bytes."""
    compressor = zlib.compressobj(9, wbits=-12)
    return compressor.compress(bytes(size)) + compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]
