"""What is done with pictures before anyone sees them: looked at, turned upright, made small, and cleaned.

A picture that stands still is written anew, so that nothing is left of what it said beside its pixels: where
and by what it was taken, or what somebody hid in it.  One that moves is kept as it is but for that.

Invariants:

1. How large a picture is, is known and bounded before any of it is decoded.
2. Pictures are decoded one after the other, in a thread of their own; those that wait are bounded, too.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.policies import ANIMATION_BYTES, ANIMATION_PIXELS, PICTURES_WAITING, THUMBNAILS
from hubbub.storage.animations import Animation, clean_gif, clean_webp
from hubbub.storage.shelf import as_disk_error, thumbnail_part

log = logging.getLogger(__name__)

# The bound is ours, and tighter.
Image.MAX_IMAGE_PIXELS = None
# Pillow says at length what it finds in each file.
logging.getLogger("PIL").setLevel(logging.INFO)

_FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 90, "progressive": True},
    "PNG": {},
    "WEBP": {"quality": 90},
}
# What its colours mean; all else that a file says beside its pixels is left out.
_KEPT: Final = ("icc_profile", "transparency")
_PROFILE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """How large a picture is, in pixels."""

    width: int
    height: int


class Pictures:
    """Prepares pictures of so many pixels at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting = 0
        self._executor = ThreadPoolExecutor(1, "pictures")

    async def prepare(self, file: Path, kind: str) -> Prepared:
        """Write a picture anew into its file, with its small ones beside it.

        Raises:
            ChatError: `invalid` for what is no picture after all, `too_long` for one that is too large,
                `too_many_requests` if too many wait, `storage_full`, `unavailable`.
        """
        if self._waiting >= PICTURES_WAITING:
            raise ChatError(Code.TOO_MANY_REQUESTS, after=5)
        self._waiting += 1
        try:
            doing = asyncio.get_running_loop().run_in_executor(self._executor, self._prepare, file, kind)
            # Whoever doesn't wait for it any more removes the file: it is left alone until then.
            return await _finish(doing)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Begin with no further picture."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, file: Path, kind: str) -> Prepared:
        try:
            return self._rewrite(file, kind)
        except ChatError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise as_disk_error(error) from error
            # Whatever a decoder comes across in a file that was made to break it.
            log.info("a picture can't be read: %r", error)
            raise ChatError(Code.INVALID, "The picture can't be read.") from error

    def _rewrite(self, file: Path, kind: str) -> Prepared:
        form = _FORMATS[kind]
        animation = _find_animation(file, form)
        with Image.open(file, formats=[form]) as image:
            self._check(image, 1 if animation is None else animation.frames)
            if animation is not None:
                size = Prepared(*image.size)
                _make_thumbnails(image, file)
                file.write_bytes(animation.content)
                return size
            image.load()
            upright = _turn(image)
        size = Prepared(*upright.size)
        _save(upright, file, form)
        _make_thumbnails(upright, file)
        return size

    def _check(self, image: Image.Image, frames: int) -> None:
        pixels = image.width * image.height
        if pixels > self._most or pixels * frames > max(self._most, ANIMATION_PIXELS):
            raise ChatError(Code.TOO_LONG, f"A picture has at most {self._most // 1_000_000} million pixels.")


async def _finish(doing: asyncio.Future[Prepared]) -> Prepared:
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


def _find_animation(file: Path, form: str) -> Animation | None:
    """Return what is kept of a picture as it is: it moves, or is of a kind whose colours would suffer."""
    if form not in {"GIF", "WEBP"}:
        return None
    if file.stat().st_size > ANIMATION_BYTES:
        raise ChatError(Code.TOO_LONG, f"Such a picture has at most {ANIMATION_BYTES} bytes.")
    content = file.read_bytes()
    if form == "GIF":
        return clean_gif(content)
    animation = clean_webp(content)
    return animation if animation.frames > 1 else None


def _turn(image: Image.Image) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    profile = turned.info.get("icc_profile") or b""
    turned.info = {name: value for name in _KEPT if (value := turned.info.get(name)) is not None}
    if turned.mode == "CMYK":
        # Its profile is one for inks.
        turned, profile = turned.convert("RGB"), b""
    if not 0 < len(profile) <= _PROFILE_BYTES:
        turned.info.pop("icc_profile", None)
    return turned


def _save(image: Image.Image, file: Path, form: str) -> None:
    image.save(file, form, icc_profile=image.info.get("icc_profile"), **_OPTIONS[form])


def _make_thumbnails(image: Image.Image, file: Path) -> None:
    has_alpha = "transparency" in image.info or image.mode in {"LA", "PA", "RGBA"}
    small = image.convert("RGBA" if has_alpha else "RGB")
    for edge in sorted(THUMBNAILS, reverse=True):
        small.thumbnail((edge, edge), reducing_gap=2.0)
        small.save(thumbnail_part(file, edge), "WEBP", quality=80)
