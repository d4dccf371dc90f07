"""A message that goes to many connections, serialised once.

It knows the frames that it is made of, one for each kind of compression.  It
doesn't know connections: each asks for the frame that suits it.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..kernels.pure import ReadableBuffer
from .extensions.base import Extension
from .frames import Opcode, serialize_frame

__all__ = ["Prepared"]


class Prepared:
    """A whole message, and the unmasked frames that servers send for it.

    Args:
        opcode: text or binary.
        data: the payload, which must not change afterwards.
        compress: whether to compress where that is agreed; None leaves it to the extension.
    """

    __slots__ = ("_frames", "compress", "data", "opcode")

    def __init__(self, opcode: Opcode, data: ReadableBuffer, compress: bool | None = None) -> None:
        self.opcode = opcode
        self.data = data
        self.compress = compress
        self._frames: dict[Hashable, bytes] = {}

    def frame(self, extension: Extension | None) -> bytes:
        """Return the frame for a connection that has agreed to ``extension``.

        Without it the frame isn't compressed.
        """
        kind = None if extension is None else extension.kind
        frame = self._frames.get(kind)
        if frame is None:
            payload = self.data if extension is None else extension.encode_alone(self.data)
            rsv = 0 if extension is None else extension.rsv
            frame = serialize_frame(self.opcode, payload, fin=True, rsv=rsv, masked=False)
            self._frames[kind] = frame
        return frame
