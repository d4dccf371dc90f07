"""Who is it?  Authentication of clients, for every face.

In the opening handshake, as a ``process_request``: ``basic_auth`` takes user name and
password, ``bearer_auth`` a token from a header or from among the subprotocols, and
``ticket_auth`` a ticket from the query that ``Tickets`` issued.  ``first_message_auth``
is for an open connection.  All set the connection's ``user``; ``asgi_auth`` brings the
first three to ASGI applications.
"""

from __future__ import annotations

from .asgi import asgi_auth
from .basic import basic_auth
from .bearer import bearer_auth, bearer_subprotocols
from .checks import Forbidden
from .first_message import first_message_auth
from .tickets import Tickets, ticket_auth

__all__ = [
    "Forbidden",
    "Tickets",
    "asgi_auth",
    "basic_auth",
    "bearer_auth",
    "bearer_subprotocols",
    "first_message_auth",
    "ticket_auth",
]
