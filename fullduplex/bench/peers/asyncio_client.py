"""fullduplex's ``connect``."""

import connected

from fullduplex import connect

connected.run(connect)
