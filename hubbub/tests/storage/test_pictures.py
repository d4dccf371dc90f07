"""What becomes of pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from hubbub.domain.errors import ChatError
from hubbub.domain.policies import PICTURES_WAITING, THUMBNAILS
from hubbub.storage.pictures import Pictures, Prepared
from hubbub.storage.shelf import thumbnail_part

from .drawn import GPS, ORIENTATION, bomb, draw, moving, taken_outside

MOST = 100_000


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    """Return what prepares pictures of up to 100 000 pixels."""
    pictures = Pictures(MOST)
    yield pictures
    pictures.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the picture is."""
    return tmp_path / "picture"


def write(file: Path, content: bytes) -> None:
    """Put a picture where it is."""
    file.write_bytes(content)


def read(file: Path) -> bytes:
    """Return what became of it."""
    return file.read_bytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_picture_says_nothing_of_its_origin(pictures: Pictures, file: Path, form: str) -> None:
    """Where, when and by what it was taken is gone; it stands upright without being told to."""
    write(file, taken_outside(form))

    prepared = await pictures.prepare(file, f"image/{form.lower()}")

    assert prepared == Prepared(40, 60)
    assert b"SECRET" not in read(file)
    with Image.open(file) as image:
        assert not image.getexif().get_ifd(GPS)
        assert ORIENTATION not in image.getexif()
        assert image.size == (40, 60)
        # The camera was held with its right side down: what was left is above.
        red, green, blue = image.convert("RGB").getpixel((20, 5))
        assert (red > 200, green < 60, blue < 60) == (True, True, True)


async def test_thumbnails_fit(pictures: Pictures, file: Path) -> None:
    """Small pictures are within their squares, and never larger than the picture."""
    write(file, draw("PNG", (400, 200)))

    await pictures.prepare(file, "image/png")

    sizes = {}
    for edge in THUMBNAILS:
        with Image.open(thumbnail_part(file, edge), formats=["WEBP"]) as small:
            sizes[edge] = small.size
    assert sizes == {96: (96, 48), 480: (400, 200)}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGBA", "CMYK"])
async def test_every_kind_of_pixel(pictures: Pictures, file: Path, mode: str) -> None:
    """Grey, transparent, indexed and printed pictures are taken as well."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    image = (
        Image.new("I;16", (30, 20), 40_000) if mode == "I;16" else Image.new("RGBA", (30, 20)).convert(mode)
    )
    image.save(file, form) if mode != "PA" else image.convert("RGBA").save(file, form)

    assert await pictures.prepare(file, f"image/{form.lower()}") == Prepared(30, 20)


async def test_colours_keep_their_meaning(pictures: Pictures, file: Path) -> None:
    """A profile of colours stays, unless it is a hiding place."""
    write(file, draw("JPEG", icc_profile=b"colours"))
    await pictures.prepare(file, "image/jpeg")
    with Image.open(file) as image:
        assert image.info["icc_profile"] == b"colours"

    write(file, draw("PNG", icc_profile=b"x" * 300_000))
    await pictures.prepare(file, "image/png")
    with Image.open(file) as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
async def test_moving_picture_goes_on(pictures: Pictures, file: Path, form: str) -> None:
    """One that moves is kept moving; its small pictures stand still."""
    write(file, moving(form))

    assert await pictures.prepare(file, f"image/{form.lower()}") == Prepared(20, 10)

    with Image.open(file) as image:
        assert image.n_frames == 3
    with Image.open(thumbnail_part(file, 96)) as small:
        assert getattr(small, "n_frames", 1) == 1


@pytest.mark.parametrize(
    "content, kind",
    [
        (bomb(50_000, 50_000), "image/png"),
        (draw("JPEG", (400, 300)), "image/jpeg"),
        (b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\0;", "image/gif"),
    ],
)
async def test_huge_picture_is_not_decoded(
    pictures: Pictures, file: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, kind: str
) -> None:
    """How many pixels a picture has is looked at before any of them is."""
    write(file, content)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))

    with pytest.raises(ChatError, match="pixels") as caught:
        await pictures.prepare(file, kind)

    assert caught.value.code == "too_long"


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n<script>", draw("PNG")[:-40], draw("PNG")[:60]],
)
async def test_broken_picture_is_refused(pictures: Pictures, file: Path, content: bytes) -> None:
    """What can't be decoded is no picture: it isn't known what is in it."""
    write(file, content)

    with pytest.raises(ChatError, match="can't be read") as caught:
        await pictures.prepare(file, "image/png")

    assert caught.value.code == "invalid"


async def test_full_disk_is_said(pictures: Pictures, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That there is no room for what was drawn anew isn't the picture's fault."""
    write(file, draw("PNG"))

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)

    with pytest.raises(ChatError) as caught:
        await pictures.prepare(file, "image/png")

    assert caught.value.code == "storage_full"


async def test_crowd_of_pictures_is_bounded(pictures: Pictures, tmp_path: Path) -> None:
    """Only so many may wait; one more is told to come later."""
    content = draw("PNG")
    files = [tmp_path / str(n) for n in range(PICTURES_WAITING + 1)]
    for each in files:
        write(each, content)

    done = await asyncio.gather(
        *(pictures.prepare(each, "image/png") for each in files), return_exceptions=True
    )

    refused = [each for each in done if isinstance(each, ChatError)]
    assert [each.code for each in refused] == ["too_many_requests"]
