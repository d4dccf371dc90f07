"""Which addresses may be followed; where they end in a sentence is in the page's fixture, too."""

from __future__ import annotations

import pytest

from hubbub.terminal.links import address_at, host_to_show, safe_href


def test_addresses_end_before_punctuation() -> None:
    """An address in a sentence is found where it begins, and goes no further than where it is looked for."""
    text = "看https://example.org/a(b)。"

    assert address_at(text, 1, len(text)) == "https://example.org/a(b)"
    assert address_at(text, 1, 22) == "https://example.org/a"
    assert address_at(text, 0, len(text)) is None


@pytest.mark.parametrize(
    "written, href",
    [
        ("https://example.org/你", "https://example.org/%E4%BD%A0"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        ("javascript:alert(1)", None),
        ("https://bank.example@evil.example", None),
        ("https://例子.example", None),
        ("https://example.org\n.evil.example", None),
    ],
)
def test_only_plain_addresses_are_followed(written: str, href: str | None) -> None:
    """What isn't http, https or mail to a host in ASCII is text."""
    assert safe_href(written) == href


def test_hosts_are_named_beside_other_names() -> None:
    """Words that name another host get the real one beside them."""
    assert host_to_show("https://evil.example/x", "bank.example") == "evil.example"
    assert host_to_show("https://www.bank.example", "Bank.example") is None
    assert host_to_show("https://xn--e1awd7f.example", "here") == "xn--e1awd7f.example"
    assert host_to_show("mailto:a@b.example", "c.example") is None
