"""What files are, by their first bytes."""

from __future__ import annotations

import pytest

from hubbub.domain.filetypes import ANYTHING, HEAD, SHOWN, find_type

KNOWN = {
    b"\xff\xd8\xff\xe0": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF89a": "image/gif",
    b"RIFF\0\0\0\0WEBPVP8 ": "image/webp",
    b"RIFF\0\0\0\0WAVEfmt ": "audio/wav",
    b"RIFF\0\0\0\0AVI LIST": ANYTHING,
    b"OggS\0": "audio/ogg",
    b"ID3\4": "audio/mpeg",
    b"\0\0\0\x18ftypM4A \0": "audio/mp4",
    b"\0\0\0\x18ftypisom\0": "video/mp4",
    b"\0\0\0\x18ftypheic\0": ANYTHING,
    b"\x1aE\xdf\xa3\x01\0\0B\x82\x84webm": "video/webm",
    b"\x1aE\xdf\xa3\x01\0\0B\x82\x88matroska": ANYTHING,
    b"%PDF-1.7": "application/pdf",
    b"PK\3\4": "application/zip",
    "茶".encode(): "text/plain",
    b"": ANYTHING,
    b"\0\1\2": ANYTHING,
    b"\xe8\x8c": ANYTHING,
}

# What would run in a browser that was told that this is what it is.
HOSTILE = (
    b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    b"<?xml version='1.0'?><svg/>",
    b"<!doctype html><script>alert(1)</script>",
    b"\xef\xbb\xbf<html>",
    b"alert(1)",
)


@pytest.mark.parametrize("head", KNOWN)
def test_type_is_found(head: bytes) -> None:
    """A file is what it begins as."""
    assert find_type(head) == KNOWN[head]


@pytest.mark.parametrize("head", HOSTILE)
def test_scripts_are_never_shown(head: bytes) -> None:
    """What may have a script in it is no kind of file that is shown inside of a page."""
    assert find_type(head) not in SHOWN


@pytest.mark.parametrize("cut", range(4))
def test_text_may_be_cut_in_two(cut: int) -> None:
    """A head that ends within a character is text all the same."""
    assert find_type(("x" * cut + "茶" * HEAD).encode()[:HEAD]) == "text/plain"
