"""Bytes to bytes: the inner loops of the protocol.

Every name here has one definition, in ``pure``.  A native twin may stand in
for it where one was built; it must agree with ``pure`` on every input.
"""

from .pure import apply_mask, frame_head, utf8_prefix

__all__ = ["apply_mask", "frame_head", "utf8_prefix"]
