"""The rules that the model can go without, to show that each is needed."""

from __future__ import annotations

from enum import Enum


class Rule(Enum):
    """A rule of the protocol, or of the server behind it."""

    NEXT = "a client takes only the next event (R4)"
    OUTBOX = "an outbox is sent again in its order"
    NONCE = "a nonce is stored once (R2)"
    FIFO = "a connection's writes are done in order (R2)"
    LANE = "a write refused for now holds up those after it (R2)"
    COMMIT = "ok comes after the commit (R3)"
    DISK = "what is committed is on the disk (R3)"
    NUMBER = "a number is taken in the transaction that stores its event (R1)"
    ALL = "a delta is complete (R5)"
    BOUND = "what is too long for a delta is a reset (R5)"
    REGISTER = "a subscription begins before its snapshot is read (R6)"
    REMOVAL = "whoever is removed is sent no more (R8)"
    RIGHTS = "who asks for a stream may read it (R8)"
    EPOCH = "a restored database has another epoch (R9)"
    HEADS = "pings prove the tail"
    RECONCILE = "a node compares its heads with the database"
    GAP = "what was left out for a slow connection is said"
    QUEUE = "what waits for a slow connection is bounded"
    MARKS = "marks of what is read go only forward"
