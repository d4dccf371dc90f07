"""Where figures go in the documentation; not what they are."""

from __future__ import annotations

from pathlib import Path


def put_figures(page: Path, text: str) -> None:
    """Put text between the two marks that a page has for it, in place of what is there.

    Raises:
        ValueError: if the page has no such marks; it is left alone then.
    """
    head, begin, rest = page.read_text("utf-8").partition("<!-- figures: begin -->\n")
    _, end, tail = rest.partition("<!-- figures: end -->")
    if not begin or not end:
        raise ValueError(f"{page} has no place for the figures")
    page.write_text(f"{head}{begin}\n{text}\n\n{end}{tail}", "utf-8")
