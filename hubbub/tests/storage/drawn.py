"""Pictures to try things on, as cameras, programs and those with bad intentions make them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

GPS = 0x8825
ORIENTATION = 0x0112


def draw(form: str, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """Return a picture whose left half is red, and the other one blue."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def taken_outside(form: str, orientation: int = 6) -> bytes:
    """Return a picture that says where it was taken, and how the camera was held."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "SECRET CAMERA"
    exif.get_ifd(GPS)[2] = (31.0, 14.0, 0.0)
    exif.get_ifd(GPS)[1] = "N"
    comment = {"comment": b"SECRET COMMENT"} if form == "JPEG" else {}
    return draw(form, exif=exif, **comment)


def moving(form: str, frames: int = 3, **options: Any) -> bytes:
    """Return a picture of several frames."""
    images = [Image.new("RGB", (20, 10), (n * 101 % 256, n // 256, 9)) for n in range(frames)]
    out = io.BytesIO()
    # Otherwise those that look alike are made one.
    options |= {"lossless": True} if form == "WEBP" else {}
    images[0].save(out, form, save_all=True, append_images=images[1:], duration=50, loop=0, **options)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG that says that it is huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
