"""Pictures that move, cleaned without decoding them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from hubbub.domain.errors import ChatError
from hubbub.domain.policies import ANIMATION_FRAMES
from hubbub.storage.animations import clean_gif, clean_webp

from .drawn import moving, taken_outside


def frames_of(content: bytes) -> list[bytes]:
    """Return what each frame of a picture shows."""
    frames = []
    with Image.open(io.BytesIO(content)) as image:
        for at in range(getattr(image, "n_frames", 1)):
            image.seek(at)
            frames.append(image.convert("RGB").tobytes())
    return frames


def test_gif_shows_the_same() -> None:
    """A GIF loses its comments and what follows its end, and nothing that one sees."""
    gif = moving("GIF", comment=b"SECRET")

    content, frames = clean_gif(gif + b"*/=1;alert(1)//")

    assert frames == 3
    assert frames_of(content) == frames_of(gif)
    assert b"SECRET" in gif
    assert b"SECRET" not in content
    assert b"alert" not in content
    assert b"NETSCAPE2.0" in content


def test_script_in_a_gif_is_broken() -> None:
    """A file that is both a GIF and a script is one no longer: what was said in comments isn't there."""
    gif = moving("GIF", 1)
    size = 13 + 3 * 2 ** ((gif[10] & 7) + 1) * (gif[10] >> 7)
    polyglot = gif[:size] + b"!\xfe\x0b*/=alert(1)\0" + gif[size:]

    assert b"alert" not in clean_gif(polyglot).content


@pytest.mark.parametrize("cut", [5, 12, 40, -30])
def test_broken_gif_is_refused(cut: int) -> None:
    """A GIF that ends within a block is none."""
    with pytest.raises(ChatError, match="can't be read"):
        clean_gif(moving("GIF")[:cut])


def test_gif_without_end_is_read() -> None:
    """Some programs leave the last byte out; it is put there."""
    gif = moving("GIF")

    assert clean_gif(gif[:-1]).content == clean_gif(gif).content


@pytest.mark.parametrize("form, clean", [("GIF", clean_gif), ("WEBP", clean_webp)])
def test_frames_are_bounded(form: str, clean) -> None:
    """A picture of too many frames is refused."""
    with pytest.raises(ChatError, match="frames"):
        clean(moving(form, ANIMATION_FRAMES + 1))


def test_webp_says_nothing_beside_its_frames() -> None:
    """Exif and XMP go, what is shown stays."""
    webp = moving("WEBP", exif=Image.Exif().tobytes(), xmp=b"SECRET")

    content, frames = clean_webp(webp + b"SECRET")

    assert frames == 3
    assert frames_of(content) == frames_of(webp)
    assert b"SECRET" not in content
    assert b"EXIF" not in content


def test_still_webp_has_no_frames() -> None:
    """One that stands still isn't taken for one that moves."""
    assert clean_webp(taken_outside("WEBP")).frames == 0


def test_broken_webp_is_refused() -> None:
    """A chunk that goes on beyond the end is none."""
    with pytest.raises(ChatError, match="can't be read"):
        clean_webp(moving("WEBP")[:-40])
