"""The blocking face: a client for scripts and threads, without coroutines.

``from fullduplex.sync import connect``; ``fullduplex.sync.client`` has the same names.
"""

from .client import ClientConnection, MessageStream, PendingPong, connect, unix_connect

__all__ = ["ClientConnection", "MessageStream", "PendingPong", "connect", "unix_connect"]
