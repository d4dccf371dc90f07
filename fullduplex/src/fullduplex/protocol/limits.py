"""What a peer may make us keep or do, with the defaults.

Every limit has a name here and is enforced where the bytes are counted.
Sizes are in bytes; None means no limit where it is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one connection.

    Attributes:
        message: size of a message, after decompression; over it, close code 1009.
        frame: payload of one frame, as it is on the wire; over it, close code 1009.
        fragments: frames in one message, empty ones counted; over it, close code 1009.
        request_line: the first line of a request or response; over it, status 414.
        header_line: one header line; over it, status 431.
        headers: number of header lines; over it, status 431.
        head: all of a request's or response's head; over it, status 431.
        body: the body that a client reads of a response that isn't 101; the rest is dropped.
        control_rate: pings and pongs a second; over it, close code 1008.
        message_rate: messages a second; over it, close code 1008.
        byte_rate: bytes a second, framing included; over it, close code 1008.

    Rates allow what a second allows to come at once.
    """

    message: int | None = 2**20
    frame: int | None = None
    fragments: int = 131_072
    request_line: int = 8192
    header_line: int = 8192
    headers: int = 128
    head: int = 32_768
    body: int = 65_536
    control_rate: float | None = 1000
    message_rate: float | None = None
    byte_rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("control_rate", "message_rate", "byte_rate"):
            rate = getattr(self, name)
            if rate is not None and rate < 1:
                raise ValueError(f"{name} must be at least 1 a second, or None")
