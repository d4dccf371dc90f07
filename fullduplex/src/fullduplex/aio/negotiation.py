"""What the options of ``connect`` and ``serve`` stand for in the opening handshake."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeAlias

from ..protocol.extensions.base import ExtensionFactory
from ..protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from ..protocol.limits import Limits

__all__ = ["MaxSize", "deflate_factories", "extension_factories", "limits_with"]

#: Bytes of the largest message, and of the largest frame after it; None for no limit.
MaxSize: TypeAlias = int | tuple[int | None, int | None] | None


def limits_with(limits: Limits | None, max_size: MaxSize) -> Limits:
    """Return the limits, with what ``max_size`` says of messages and frames."""
    limits = limits or Limits()
    if isinstance(max_size, tuple):
        message, frame = max_size
        return dataclasses.replace(limits, message=message, frame=frame)
    return dataclasses.replace(limits, message=max_size)


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


def extension_factories(
    extensions: Sequence[ExtensionFactory], compression: str | PerMessageDeflateFactory | None
) -> Sequence[ExtensionFactory]:
    """Return the extensions given, and after them what ``compression`` stands for, if it isn't among them."""
    named = {factory.name for factory in extensions}
    return [*extensions, *(one for one in deflate_factories(compression) if one.name not in named)]
