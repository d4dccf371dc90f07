"""Hooks for what happens to connections: ``observer=`` of every face takes an ``Observer``.

``fullduplex.observe.prometheus`` and ``fullduplex.observe.opentelemetry`` have
two; they need the extras of the same names.  The frames of every connection
are logged at DEBUG, by the logger ``fullduplex.server`` or
``fullduplex.client``, or the one that ``logger=`` takes.
"""

from .observer import Kind, Observer, first_close, side_of

__all__ = ["Kind", "Observer", "first_close", "side_of"]
