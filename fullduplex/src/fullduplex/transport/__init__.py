"""What moves bytes, and the connection that all faces share.

``connection`` couples the protocol with a transport; ``streams`` lets asyncio
move the bytes; ``heartbeat`` finds out whether the peer is still there.
"""
