"""A chat for many people: a durable log for every room, delivered over WebSockets.

`domain` holds what a chat is, `storage` and `bus` keep and spread it, `actions` are its verbs, `realtime` and
`endpoints` its two doors; `app` puts them together and `cli` starts them.
"""

__version__ = "0.1.0"
