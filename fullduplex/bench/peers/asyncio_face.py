"""fullduplex's asyncio face."""

import served

from fullduplex import broadcast, serve

served.run(serve, broadcast)
