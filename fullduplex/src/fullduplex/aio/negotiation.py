"""What the options of ``connect`` and ``serve`` stand for in the opening handshake."""

from __future__ import annotations

from collections.abc import Sequence

from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory

__all__ = ["deflate_factories"]


def deflate_factories(compression: str | PerMessageDeflateFactory | None) -> Sequence[ExtensionFactory]:
    """Return what ``compression`` stands for.

    Raises:
        ValueError: if it is a word other than "deflate".
    """
    if compression is None:
        return ()
    if isinstance(compression, PerMessageDeflateFactory):
        return (compression,)
    if compression != "deflate":
        raise ValueError(
            f"compression must be 'deflate', None or a PerMessageDeflateFactory, not {compression!r}"
        )
    return (PerMessageDeflateFactory(),)
