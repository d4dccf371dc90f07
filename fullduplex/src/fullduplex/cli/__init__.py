"""The ``fullduplex`` command: talk with a server, serve an echo, measure."""

from .command import main

__all__ = ["main"]
