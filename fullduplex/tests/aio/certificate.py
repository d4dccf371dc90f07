"""A certificate for localhost, signed by itself and made afresh: nothing secret is ever stored.

ECDSA over P-256 in plain Python, which needs no program and no package; it is
fit for tests and for nothing else.  Numbers are those of SEC 1 and RFC 5280.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
import ssl
from pathlib import Path

Point = tuple[int, int] | None

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

P256 = bytes.fromhex("06082a8648ce3d030107")
EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
ECDSA_WITH_SHA256 = bytes.fromhex("06082a8648ce3d040302")
COMMON_NAME = bytes.fromhex("0603550403")
SUBJECT_KEY_IDENTIFIER = bytes.fromhex("0603551d0e")
KEY_USAGE = bytes.fromhex("0603551d0f")
SUBJECT_ALTERNATIVE_NAME = bytes.fromhex("0603551d11")
BASIC_CONSTRAINTS = bytes.fromhex("0603551d13")

INTEGER, BIT_STRING, OCTETS, UTF8, UTC_TIME, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x0C, 0x17, 0x30, 0x31
TRUE = b"\x01\x01\xff"


def der(tag: int, *parts: bytes) -> bytes:
    """Return a DER element with these contents."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(number: int) -> bytes:
    """Return a positive number as DER."""
    return der(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def add(p: Point, q: Point) -> Point:
    """Add two points of the curve."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0] and (p[1] + q[1]) % PRIME == 0:
        return None
    if p == q:
        slope = (3 * p[0] * p[0] - 3) * pow(2 * p[1], -1, PRIME)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, PRIME)
    x = (slope * slope - p[0] - q[0]) % PRIME
    return x, (slope * (p[0] - x) - p[1]) % PRIME


def times(number: int, point: Point) -> tuple[int, int]:
    """Multiply a point by a number."""
    total: Point = None
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    assert total is not None
    return total


def sign(message: bytes, key: int) -> bytes:
    """Return the signature of a message (SEC 1, 4.1.3)."""
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    nonce = secrets.randbelow(ORDER - 1) + 1
    r = times(nonce, BASE)[0] % ORDER
    s = pow(nonce, -1, ORDER) * (digest + r * key) % ORDER
    return der(SEQUENCE, integer(r), integer(s))


def extensions(public: bytes) -> bytes:
    """Return what strict checks want of a certificate that vouches for itself, and its names."""
    names = der(SEQUENCE, der(0x82, b"localhost"), der(0x87, bytes((127, 0, 0, 1))))
    values = [
        (BASIC_CONSTRAINTS, TRUE, der(SEQUENCE, TRUE)),
        (KEY_USAGE, TRUE, der(BIT_STRING, b"\x02\x84")),
        (SUBJECT_KEY_IDENTIFIER, b"", der(OCTETS, hashlib.sha1(public, usedforsecurity=False).digest())),
        (SUBJECT_ALTERNATIVE_NAME, b"", names),
    ]
    return der(0xA3, der(SEQUENCE, *(der(SEQUENCE, name, flag, der(OCTETS, v)) for name, flag, v in values)))


def pem(label: str, content: bytes) -> str:
    """Return DER as text."""
    lines = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"


def make_certificate(folder: Path) -> Path:
    """Write a fresh key and its certificate for localhost into one file, and return its path."""
    key = secrets.randbelow(ORDER - 1) + 1
    x, y = times(key, BASE)
    public = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    algorithm = der(SEQUENCE, ECDSA_WITH_SHA256)
    name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, b"localhost"))))
    content = der(
        SEQUENCE,
        der(0xA0, integer(2)),
        integer(secrets.randbits(63)),
        algorithm,
        name,
        der(SEQUENCE, *(der(UTC_TIME, f"{t:%y%m%d%H%M%SZ}".encode()) for t in (now - day, now + day))),
        name,
        der(SEQUENCE, der(SEQUENCE, EC_PUBLIC_KEY, P256), der(BIT_STRING, b"\x00", public)),
        extensions(public),
    )
    certificate = der(SEQUENCE, content, algorithm, der(BIT_STRING, b"\x00", sign(content, key)))
    secret = der(
        SEQUENCE,
        integer(1),
        der(OCTETS, key.to_bytes(32, "big")),
        der(0xA0, P256),
        der(0xA1, der(BIT_STRING, b"\x00", public)),
    )
    path = folder / "localhost.pem"
    path.write_text(pem("EC PRIVATE KEY", secret) + pem("CERTIFICATE", certificate))
    return path


def contexts(certificate: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a context for a server that has this certificate, and one for a client that trusts it."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    return server, ssl.create_default_context(cafile=certificate)
