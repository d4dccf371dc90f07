"""websockets: its asyncio client."""

import connected
from websockets.asyncio.client import connect

connected.run(connect)
