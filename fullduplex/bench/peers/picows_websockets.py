"""picows.websockets: what picows offers with the interface of websockets."""

import served
from picows.websockets.asyncio.server import broadcast, serve

served.run(serve, broadcast)
