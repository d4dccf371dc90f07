"""RFC 6455 and RFC 7692 without input or output: bytes in, events and bytes out.

Nothing in this package imports sockets, clocks or an event loop.  ``client``
and ``server`` do the opening handshake and then are a ``connection``; that
stands on ``frames``, ``messages`` and ``states``.
"""
