"""Pictures that move, as their files are built: what shows something is kept, and nothing else.

Reads lengths only and decodes nothing, so it takes no more than the file has.  What follows the end of a
picture, comments, and what programs put beside it are left out.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.policies import ANIMATION_FRAMES


class Animation(NamedTuple):
    """A picture's file, cleaned, and how many frames it has."""

    content: bytes
    frames: int


_BROKEN: Final = "The picture can't be read."


def _check_frames(frames: int) -> None:
    if frames > ANIMATION_FRAMES:
        raise ChatError(Code.TOO_LONG, f"A picture has at most {ANIMATION_FRAMES} frames.")


# GIF89a: blocks that begin with these.
_EXTENSION: Final = 0x21
_IMAGE: Final = 0x2C
_END: Final = 0x3B
_CONTROL: Final = 0xF9
_APPLICATION: Final = 0xFF
# How often it is shown; the only application's words that change what one sees.
_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def clean_gif(content: bytes) -> Animation:
    """Return a GIF without comments, texts and what programs say in it.

    Raises:
        ChatError: `invalid` for what isn't built so, `too_long` for one of too many frames.
    """
    try:
        return _clean_gif(content)
    except IndexError as error:
        raise ChatError(Code.INVALID, _BROKEN) from error


def _clean_gif(content: bytes) -> Animation:
    position = 13 + _measure_colours(content[10])
    kept = bytearray(content[:position])
    frames = 0
    # Some programs leave the end out.
    while position < len(content) and content[position] != _END:
        start = position
        if content[position] == _IMAGE:
            frames += 1
            _check_frames(frames)
            # Where it stands, its colours, the width of its codes.
            data = position + 10 + _measure_colours(content[position + 9]) + 1
        elif content[position] == _EXTENSION:
            data = position + 2
        else:
            raise ChatError(Code.INVALID, _BROKEN)
        position = _skip_blocks(content, data)
        if content[start] == _IMAGE or _is_needed(content, start):
            kept += content[start:position]
    if not frames:
        raise ChatError(Code.INVALID, _BROKEN)
    return Animation(bytes(kept) + bytes([_END]), frames)


def _measure_colours(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(content: bytes, position: int) -> int:
    while length := content[position]:
        position += length + 1
    return position + 1


def _is_needed(content: bytes, start: int) -> bool:
    label = content[start + 1]
    return label == _CONTROL or (label == _APPLICATION and content[start + 3 : start + 14] in _LOOPS)


# WebP: chunks in a RIFF file.
_CHUNKS: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_SAYS_EXIF_OR_XMP: Final = 0x0C


def clean_webp(content: bytes) -> Animation:
    """Return a WebP without Exif, XMP and whatever else shows nothing.

    Raises:
        ChatError: as `clean_gif`.
    """
    kept = bytearray()
    position, frames = 12, 0
    end = min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    while position + 8 <= end:
        name = content[position : position + 4]
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        after = position + 8 + size + size % 2
        if after > end:
            raise ChatError(Code.INVALID, _BROKEN)
        frames += name == b"ANMF"
        _check_frames(frames)
        if name in _CHUNKS:
            chunk = bytearray(content[position:after])
            if name == b"VP8X" and size:
                chunk[8] &= ~_SAYS_EXIF_OR_XMP
            kept += chunk
        position = after
    return Animation(b"RIFF" + (len(kept) + 4).to_bytes(4, "little") + b"WEBP" + bytes(kept), frames)
