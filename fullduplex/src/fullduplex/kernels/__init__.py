"""Bytes to bytes: the inner loops of the protocol.

Every name here has one definition, in ``pure``.  Its native twin stands in
for it where one was built; it agrees with ``pure`` on every input.  The
environment variable FULLDUPLEX_NATIVE decides otherwise: 0 leaves what is
native alone, 1 refuses to do without.
"""

from __future__ import annotations

import os

__all__ = ["NATIVE", "apply_mask", "do_without", "frame_head", "utf8_prefix"]

_switch = os.environ.get("FULLDUPLEX_NATIVE")

#: Whether what is native is used, here and elsewhere.
NATIVE = False


def do_without(error: ImportError) -> None:
    """Let a native module be missing.

    Raises:
        ImportError: if FULLDUPLEX_NATIVE is 1.
    """
    if _switch == "1":
        raise ImportError(
            "FULLDUPLEX_NATIVE is 1, and this fullduplex has no native part for this Python: install"
            " a wheel that has one, or build it with a C compiler; or leave the variable out."
        ) from error


if _switch != "0":
    try:
        from .native import apply_mask, frame_head, utf8_prefix

        NATIVE = True
    except ImportError as error:
        do_without(error)

if not NATIVE:
    from .pure import apply_mask, frame_head, utf8_prefix
