"""The asyncio face: ``connect``, ``serve`` and their connections.

Names and behaviour are those of ``websockets.asyncio`` wherever it has them.
"""
