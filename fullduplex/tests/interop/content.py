"""What is said in the conversations with others."""

from __future__ import annotations

import random
from typing import Any

SIZES = [0, 1, 125, 126, 65535, 65536, 2**20]
TEXTS = ["发送数据 👋🏽", *("x" * size for size in SIZES), "据" * (2**20 // 3)]
MESSAGES: list[str | bytes] = [*TEXTS, *(random.Random(size).randbytes(size) for size in SIZES)]

# A message, and the fragments that it is sent in.
FRAGMENTS: list[tuple[str | bytes, list[str | bytes]]] = [
    ("发送数据", ["发送", "", "数据"]),
    (b"\x00\x01\xff", [b"\x00\x01", b"", b"\xff"]),
]

# Each refers to the ones before, near and far, when a context is taken over.
NOISE = random.Random(7).randbytes(3000).hex()
SIMILAR: list[str | bytes] = [NOISE, NOISE, NOISE[500:] + NOISE[:500], "", NOISE.encode(), NOISE * 10, NOISE]

# Every kind of code that a program may send, with a reason as long as can be; browsers may not say the last.
ENDINGS = [(1000, ""), (3000, "再见"), (4999, "x" * 123), (1001, "going")]

# What either side may ask of compression, of short messages too, in ws's words.
NEGOTIATIONS: list[dict[str, Any]] = [
    {"threshold": 0, **wanted}
    for wanted in (
        {"serverMaxWindowBits": 9, "clientMaxWindowBits": 10},
        {"serverNoContextTakeover": True},
        {"clientNoContextTakeover": True},
        {"serverMaxWindowBits": 15, "clientMaxWindowBits": 15},
        {"serverMaxWindowBits": 10, "serverNoContextTakeover": True, "clientNoContextTakeover": True},
    )
]
