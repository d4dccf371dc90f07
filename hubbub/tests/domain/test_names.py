"""What people, rooms, topics, sessions and accounts may be called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.domain.errors import ChatError
from hubbub.domain.names import (
    clean_alt,
    clean_file_name,
    clean_label,
    clean_name,
    clean_room_name,
    clean_status,
    clean_topic,
    fold_username,
)
from hubbub.domain.policies import LABEL_LENGTH, NAME_LENGTH, ROOM_NAME_LENGTH, STATUS_LENGTH, TOPIC_LENGTH


@pytest.mark.parametrize(
    "raw,name",
    [
        ("小林", "小林"),
        ("  Ann \u3000 Lee\n", "Ann Lee"),
        ("Ａｎｎ", "Ann"),
        ("ﬁona", "fiona"),
        ("a\u200bdmin", "admin"),
        ("\u200d👩\u200d👧", "\u200d👩\u200d👧"),
        ("é" * NAME_LENGTH, "é" * NAME_LENGTH),
        ("Nguyễn", "Nguyễn"),
    ],
)
def test_name_is_cleaned(raw: str, name: str) -> None:
    """Compatibility forms, spaces and invisible characters don't make two names of one."""
    assert clean_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " \t ",
        "\u200b",
        "\u3164",
        "\u200d",
        "A\u202eB",
        "A\u2066B",
        "\u200fA",
        "A\x00B",
        "A\x1bB",
        "A\nB",
        "A\u2028B",
        "x" * (NAME_LENGTH + 1),
        "x" * 100_000,
        "A" + "\u0301" * 20,
        "\u0301",
    ],
)
def test_disturbing_name_is_refused(raw: str) -> None:
    """A name shows something, fits, and leaves the text around it alone."""
    with pytest.raises(ChatError, match="A name") as caught:
        clean_name(raw)

    assert caught.value.code == "invalid"


@given(st.text(max_size=60))
@settings(deadline=None)
def test_clean_name_stays_clean(raw: str) -> None:
    """Cleaning a name that is clean changes nothing."""
    try:
        name = clean_name(raw)
    except ChatError:
        return

    assert clean_name(name) == name
    assert 1 <= len(name) <= NAME_LENGTH


def test_room_is_named_as_people_are() -> None:
    """A room's name is cleaned in the same way, and may be longer."""
    assert clean_room_name(" 书  友会\u200b ") == "书 友会"
    assert clean_room_name("x" * ROOM_NAME_LENGTH) == "x" * ROOM_NAME_LENGTH
    for raw in ("", "\u200b", "a\u202eb", "x" * (ROOM_NAME_LENGTH + 1)):
        with pytest.raises(ChatError, match="A room's name"):
            clean_room_name(raw)


def test_status_is_cleaned() -> None:
    """What someone says of being here is a line that disturbs nothing, or nothing."""
    assert clean_status("  on my  way ") == "on my way"
    assert clean_status("") == ""
    for raw in ("A\u202eB", "x" * (STATUS_LENGTH + 1)):
        with pytest.raises(ChatError, match="A status"):
            clean_status(raw)


def test_topic_may_be_empty() -> None:
    """A topic is a line that disturbs nothing, or nothing."""
    assert clean_topic("  about  tea ") == "about tea"
    assert clean_topic(" \u200b") == ""
    for raw in ("a\u202eb", "a\0b", "x" * (TOPIC_LENGTH + 1)):
        with pytest.raises(ChatError, match="A topic"):
            clean_topic(raw)


@pytest.mark.parametrize(
    "raw,label",
    [
        ("Firefox 150\non  Debian", "Firefox 150 on Debian"),
        ("a\0b\u202ec\u200bd\ud800", "abcd"),
        ("", ""),
        ("x" * 100_000, "x" * LABEL_LENGTH),
    ],
)
def test_label_is_what_can_be_shown(raw: str, label: str) -> None:
    """Whatever a program says of itself, something harmless is kept."""
    assert clean_label(raw) == label


@pytest.mark.parametrize(
    "raw,username",
    [
        ("ann", "ann"),
        (" Ann.Lee-2_x ", "ann.lee-2_x"),
        ("Ａｎｎ", "ann"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("小林abc", "小林abc"),
        ("жанна", "жанна"),
        ("x" * 32, "x" * 32),
    ],
)
def test_username_is_folded(raw: str, username: str) -> None:
    """However a username is typed, it is the same."""
    assert fold_username(raw) == username


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "ab",
        "x" * 33,
        "x" * 100_000,
        "a b c",
        "ann!",
        "ann@x",
        "a\u200bnn",
        "a\u202enn",
        "аdmin",
        "ann\0",
        "a\u0301\u0301\u0301n",
        "ann\ud800",
        "ann\n1",
        "👍👍👍",
    ],
)
def test_strange_username_is_refused(raw: str) -> None:
    """A username is short and plain, and doesn't mix scripts that look alike."""
    with pytest.raises(ChatError) as caught:
        fold_username(raw)

    assert caught.value.code == "invalid"


@given(st.text(max_size=40))
@settings(deadline=None)
def test_folded_username_stays(raw: str) -> None:
    """Folding what is folded changes nothing."""
    try:
        username = fold_username(raw)
    except ChatError:
        return

    assert fold_username(username) == username


FILE_NAMES = {
    "茶.png": "茶.png",
    "../../etc/passwd": "passwd",
    "..\\..\\windows\\system.ini": "system.ini",
    "C:\\CON": "CON",
    "a\0b\nc.txt": "abc.txt",
    "gpj.\u202eexe": "gpj.exe",
    " .hidden. ": "hidden",
    "": "file",
    "..": "file",
    "\u200b": "file",
    "👩\u200d💻.png": "👩\u200d💻.png",
    "x" * 300 + ".png": "x" * 196 + ".png",
    "y" * 300: "y" * 200,
    "a." + "z" * 300: ("a." + "z" * 300)[:200],
}


@pytest.mark.parametrize("raw", FILE_NAMES)
def test_file_name_is_cleaned(raw: str) -> None:
    """A file's name has no folders, nothing unseen, an end that is what it looks like, and some length."""
    assert clean_file_name(raw) == FILE_NAMES[raw]


def test_description_is_one_line() -> None:
    """What a picture shows is said on one line, of some length."""
    assert clean_alt("  a cup\nof tea ") == "a cup of tea"
    with pytest.raises(ChatError):
        clean_alt("x" * 1_001)
