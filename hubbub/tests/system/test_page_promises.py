"""The page of promises tells of the tests that there are."""

from __future__ import annotations

from .promises import PAGE, PROMISES, find_shown, make_page


def test_page_is_of_these_tests() -> None:
    """docs/page.md is what `python -m tests.system.promises` writes."""
    assert PAGE.read_text("utf-8") == make_page()


def test_tests_name_promises_that_exist() -> None:
    """No test shows what nobody has promised."""
    known = {number for promises in PROMISES.values() for number in promises}

    assert {number for shown in find_shown() for number in shown.numbers} <= known
