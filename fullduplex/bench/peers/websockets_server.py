"""websockets: its asyncio server."""

import served
from websockets.asyncio.server import broadcast, serve

served.run(serve, broadcast)
