"""The chat in a terminal: `hubbub chat`.

Stands on `hubbub.client` alone, and knows nothing of the server.  What is said and what it looks like are
apart: `entries`, `drawing`, `wrapping` and `plain` are functions of what they are given; the widgets show it.
"""
