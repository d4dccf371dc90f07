"""What kind of file something is, told from its first bytes; nobody's word on it counts.

Which kinds a browser may show inside of a page is decided here, too: pictures, sound and films whose formats
can't carry a script.  Anything else is only ever given out to be kept.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = 4096
"""How many bytes are looked at."""

ANYTHING: Final = "application/octet-stream"
TEXT: Final = "text/plain"

PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PLAYED: Final = frozenset(
    {"audio/mpeg", "audio/ogg", "audio/wav", "audio/flac", "audio/mp4", "video/mp4", "video/webm"}
)
SHOWN: Final = PICTURES | _PLAYED
"""What is given out by its own type."""

_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_SOUND: Final = frozenset({b"M4A ", b"M4B "})
_FILMS: Final = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "})
_MATROSKA: Final = b"\x1a\x45\xdf\xa3"


def find_type(head: bytes) -> str:
    """Return the media type of a file that begins so."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], ANYTHING)
    if head[4:8] == b"ftyp":
        return _find_mp4(head[8:12])
    if head.startswith(_MATROSKA):
        return "video/webm" if b"webm" in head[:64] else ANYTHING
    return TEXT if _is_text(head) else ANYTHING


def _find_mp4(brand: bytes) -> str:
    if brand in _SOUND:
        return "audio/mp4"
    return "video/mp4" if brand in _FILMS else ANYTHING


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return False
    # There the last character may be cut in two.
    for end in range(4 if len(head) >= HEAD else 1):
        try:
            head[: len(head) - end].decode()
        except UnicodeDecodeError:
            continue
        return bool(head)
    return False
