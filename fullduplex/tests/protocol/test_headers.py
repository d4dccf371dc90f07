"""Headers: the multi-dict against a model, and the grammars of the handshake's values."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fullduplex.exceptions import InvalidHeaderFormat, InvalidHeaderValue
from fullduplex.protocol.extensions.base import Parameters
from fullduplex.protocol.headers import (
    Headers,
    MultipleValuesError,
    build_authorization_basic,
    build_extensions,
    is_token,
    is_value,
    parse_authorization_basic,
    parse_extensions,
    parse_tokens,
)

TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOKENS = st.text(TOKEN_CHARACTERS, min_size=1, max_size=8)


# The multi-dict.


def test_names_have_no_case() -> None:
    """A header is found by its name in any case, and keeps the case it was written in."""
    headers = Headers({"Sec-WebSocket-Key": "x"})

    assert headers["sec-websocket-key"] == headers["SEC-WEBSOCKET-KEY"] == "x"
    assert "SEC-websocket-KEY" in headers
    assert list(headers.raw_items()) == [("Sec-WebSocket-Key", "x")]


def test_assigning_adds_a_line() -> None:
    """A repeated header has all its values, in their order."""
    headers = Headers([("Set-Cookie", "a"), ("Other", "x")])
    headers["set-cookie"] = "b"

    assert headers.get_all("Set-Cookie") == ["a", "b"]
    assert list(headers.raw_items()) == [("Set-Cookie", "a"), ("Other", "x"), ("set-cookie", "b")]
    assert len(headers) == 2


def test_repeated_header_is_no_single_value() -> None:
    """Asking for one value of a repeated header raises, rather than choose one."""
    headers = Headers([("A", "1"), ("a", "2")])

    for ask in (lambda: headers["A"], lambda: headers.get("A"), lambda: dict(headers)):
        with pytest.raises(MultipleValuesError):
            ask()


def test_absent_header() -> None:
    """A header that isn't there has no value, and no values."""
    headers = Headers()

    with pytest.raises(KeyError):
        headers["A"]
    with pytest.raises(KeyError):
        del headers["A"]
    assert headers.get("A") is None
    assert headers.get_all("A") == []
    assert 5 not in headers


@pytest.mark.parametrize(
    "lines",
    [
        [("A", "1"), ("B", "2")],
        {"A": "1", "B": "2"},
        Headers({"A": "1", "B": "2"}),
        iter([("A", "1"), ("B", "2")]),
    ],
)
def test_headers_are_made_of_anything_like_them(lines: object) -> None:
    """Pairs, mappings and headers make headers, with keywords after them."""
    headers = Headers(lines, c="3")  # type: ignore[arg-type]

    assert list(headers.raw_items()) == [("A", "1"), ("B", "2"), ("c", "3")]


def test_copies_are_apart() -> None:
    """A copy has the same lines, and changing it changes nothing else."""
    headers = Headers([("A", "1"), ("A", "2")])
    copy = headers.copy()
    assert copy == headers
    copy["A"] = "3"
    headers.get_all("A").append("4")

    assert headers.get_all("a") == ["1", "2"]
    assert copy != headers


def test_lines_may_be_changed_while_read() -> None:
    """The lines given are those of the moment."""
    headers = Headers({"A": "1", "B": "2"})
    for name, _ in headers.raw_items():
        del headers[name]

    assert len(headers) == 0


def test_headers_equal_headers_only() -> None:
    """Headers are equal if they have the same values for the same names; a dict isn't headers."""
    assert Headers({"A": "1"}) == Headers({"a": "1"})
    assert Headers({"A": "1"}).__eq__({"A": "1"}) is NotImplemented
    assert Headers({"A": "1"}) != Headers({"A": "2"})
    assert Headers({"A": "1"}) != {"A": "1"}
    with pytest.raises(TypeError):
        hash(Headers())


def test_headers_say_their_lines() -> None:
    """The representation can be evaluated."""
    headers = Headers([("A", "1"), ("a", "2")])

    assert eval(repr(headers)) == headers


@pytest.mark.parametrize(
    "name, value, shown",
    [
        ("Authorization", "Basic c2VjcmV0", "Basic [hidden]"),
        ("Cookie", "a=secret", "[hidden]"),
        ("X-Name", "bearer.a", "bearer.a"),
    ],
)
def test_headers_hide_secrets(name: str, value: str, shown: str) -> None:
    """What proves who someone is doesn't get into logs by way of the representation."""
    headers = Headers([(name, value)])

    assert repr(headers) == f"Headers({[(name, shown)]!r})"
    assert headers[name] == value


class AgainstModel(RuleBasedStateMachine):
    """Headers do what a list of pairs would."""

    names = st.sampled_from(["A", "a", "B", "b", "Name"])
    values = st.sampled_from(["", "1", "2"])

    def __init__(self) -> None:
        super().__init__()
        self.headers = Headers()
        self.model: list[tuple[str, str]] = []

    @rule(name=names, value=values)
    def add(self, name: str, value: str) -> None:
        """Add a line."""
        self.headers[name] = value
        self.model.append((name, value))

    @rule(name=names)
    def delete(self, name: str) -> None:
        """Delete all lines of a name."""
        with contextlib.suppress(KeyError):
            del self.headers[name]
        self.model = [line for line in self.model if line[0].lower() != name.lower()]

    @rule(lines=st.lists(st.tuples(names, values), max_size=3))
    def update(self, lines: list[tuple[str, str]]) -> None:
        """Add several lines."""
        self.headers.update(lines)
        self.model += lines

    @rule(name=names, value=values)
    def set_default(self, name: str, value: str) -> None:
        """Add a line unless there is one."""
        if len(self.model_values(name)) < 2:
            self.headers.setdefault(name, value)
            if not self.model_values(name):
                self.model.append((name, value))

    @rule(name=names)
    def pop(self, name: str) -> None:
        """Take a header away."""
        values = self.model_values(name)
        if len(values) < 2:
            assert self.headers.pop(name, None) == (values[0] if values else None)
            self.model = [line for line in self.model if line[0].lower() != name.lower()]

    @rule()
    def clear(self) -> None:
        """Delete everything."""
        self.headers.clear()
        self.model = []

    def model_values(self, name: str) -> list[str]:
        """Return the model's values of a name."""
        return [value for other, value in self.model if other.lower() == name.lower()]

    @invariant()
    def agrees(self) -> None:
        """Every way to look gives what the model has."""
        assert list(self.headers.raw_items()) == self.model
        names = list(dict.fromkeys(name.lower() for name, _ in self.model))
        assert list(self.headers) == names
        assert len(self.headers) == len(names)
        for name in ("A", "b", "NAME", "other"):
            values = self.model_values(name)
            assert self.headers.get_all(name) == values
            assert (name in self.headers) is bool(values)
            if len(values) == 1:
                assert self.headers[name] == values[0]
        assert self.headers.serialize() == b"".join(
            f"{name}: {value}\r\n".encode() for name, value in self.model
        )


TestAgainstModel = AgainstModel.TestCase


# Names and values on the wire.


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\n", "A\n", "Ä", "A\0", "(", "A\t", "名"])
def test_bad_name_is_not_written(name: str) -> None:
    """A name that isn't a token would break the message apart."""
    with pytest.raises(ValueError, match="invalid header name"):
        Headers([(name, "x")]).serialize()


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nInjected: yes",
        "a\nb",
        "a\rb",
        "a\0b",
        "\x7f",
        "\x1b[31m",
        " a",
        "a ",
        "\ta",
        "a\t",
        "a\x0b",
        "中",
    ],
)
def test_bad_value_is_not_written(value: str) -> None:
    """A value with line ends or other controls would break the message apart."""
    with pytest.raises(ValueError, match="invalid value of header A"):
        Headers([("A", value)]).serialize()


def test_values_are_written_as_they_are() -> None:
    """Visible characters, spaces within and bytes beyond ASCII are written, and no value at all is too."""
    assert Headers([("A", ""), ("B", "x y\tz"), ("C", "é")]).serialize() == b"A: \r\nB: x y\tz\r\nC: \xe9\r\n"


@given(text=st.text(st.characters(max_codepoint=300), max_size=5))
def test_tokens_are_of_their_characters(text: str) -> None:
    """A token has at least one character, all of the token's (RFC 9110 5.6.2)."""
    assert is_token(text) is (text != "" and set(text) <= set(TOKEN_CHARACTERS))


@given(text=st.text(st.characters(max_codepoint=300), max_size=5))
def test_values_are_of_their_characters(text: str) -> None:
    """A value has no controls, and no space at its ends (RFC 9110 5.5)."""
    allowed = {"\t", *map(chr, range(0x20, 0x7F)), *map(chr, range(0x80, 0x100))}

    assert is_value(text) is (set(text) <= allowed and text.strip(" \t") == text)


# Lists of tokens.


@pytest.mark.parametrize(
    "value, tokens",
    [
        ("Upgrade", ["Upgrade"]),
        ("keep-alive, Upgrade", ["keep-alive", "Upgrade"]),
        ("a,b,c", ["a", "b", "c"]),
        ("a \t,\t b", ["a", "b"]),
        # RFC 9110 5.6.1: empty elements count for nothing.
        (",a,,b,", ["a", "b"]),
        (" , , a , , ", ["a"]),
        ("a, a", ["a", "a"]),
        ("v1.chat!#$%&'*+-.^_`|~", ["v1.chat!#$%&'*+-.^_`|~"]),
    ],
)
def test_tokens_are_read(value: str, tokens: list[str]) -> None:
    """A comma-separated list gives its tokens in their order."""
    assert parse_tokens("Connection", value) == tokens


@pytest.mark.parametrize(
    "value", ["", " ", ",", " , ,", "a b", "a;b", '"a"', "a,b c", "a,(", "ä", "a\x00", "a\r\nb", "a/1"]
)
def test_malformed_tokens_are_refused(value: str) -> None:
    """What isn't a list of tokens is refused, with the header's name."""
    with pytest.raises(InvalidHeaderFormat) as caught:
        parse_tokens("Connection", value)
    assert caught.value.name == "Connection"


@given(tokens=st.lists(TOKENS, min_size=1, max_size=5), separator=st.sampled_from([",", ", ", " ,\t", ",,"]))
def test_any_tokens_round_trip(tokens: list[str], separator: str) -> None:
    """Any tokens, however they are joined, are read back."""
    assert parse_tokens("X", separator.join(tokens)) == tokens


# Extensions (9.1).


@pytest.mark.parametrize(
    "value, extensions",
    [
        ("foo", [("foo", [])]),
        ("foo, bar", [("foo", []), ("bar", [])]),
        ("foo; name", [("foo", [("name", None)])]),
        ("foo; name=value", [("foo", [("name", "value")])]),
        ('foo; name="value"', [("foo", [("name", "value")])]),
        (r'foo; name="v\al\ue"', [("foo", [("name", "value")])]),
        ("foo;a;b=c;d", [("foo", [("a", None), ("b", "c"), ("d", None)])]),
        ("foo ; a = b , bar", [("foo", [("a", "b")]), ("bar", [])]),
        (",foo;a,,bar,", [("foo", [("a", None)]), ("bar", [])]),
        ("foo; a=1; a=1", [("foo", [("a", "1"), ("a", "1")])]),
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
            [
                ("permessage-deflate", [("client_max_window_bits", None), ("server_max_window_bits", "10")]),
                ("permessage-deflate", []),
            ],
        ),
    ],
)
def test_extensions_are_read(value: str, extensions: list[tuple[str, Parameters]]) -> None:
    """A list of extensions gives each with its parameters, nothing judged."""
    assert parse_extensions(value) == extensions


@pytest.mark.parametrize(
    "value",
    [
        "",
        ",",
        ";a",
        "foo;",
        "foo; a=",
        "foo; =b",
        "foo; a=b=c",
        "foo bar",
        "foo; a b",
        'foo; a="',
        'foo; a="b',
        'foo; a="b" c',
        'foo; a=""',
        'foo; a="b c"',
        'foo; a="b,c"',
        'foo; a="b\\"',
        '"foo"',
        "foo; a='b c'",
        "foo=bar",
        "foo; a=b/c",
        "foo,, ;",
    ],
)
def test_malformed_extensions_are_refused(value: str) -> None:
    """What isn't a list of extensions is refused; a quoted value must be a token once unquoted (9.1)."""
    with pytest.raises(InvalidHeaderFormat):
        parse_extensions(value)


@given(
    extensions=st.lists(
        st.tuples(TOKENS, st.lists(st.tuples(TOKENS, st.none() | TOKENS), max_size=3)), min_size=1, max_size=3
    )
)
def test_any_extensions_round_trip(extensions: list[tuple[str, Parameters]]) -> None:
    """Whatever is built is read back."""
    assert parse_extensions(build_extensions(extensions)) == extensions


@pytest.mark.parametrize(
    "value, problem",
    [
        ("foo; a=;", "expected token at 7 in foo; a=;"),
        ("", "expected a list with an element at 0 in "),
        (" ,", "expected a list with an element at 2 in  ,"),
    ],
)
def test_format_error_says_where(value: str, problem: str) -> None:
    """A malformed value is told with the place."""
    with pytest.raises(InvalidHeaderFormat) as caught:
        parse_extensions(value)
    assert str(caught.value) == f"invalid Sec-WebSocket-Extensions header: {problem}"


# A megabyte of what a backtracking parser would take hours for; each is read in a fraction of a second.
HEAPS = [
    "," * 1_000_000,
    " " * 1_000_000,
    "a" + " " * 1_000_000 + "b",
    "a;" * 500_000,
    'a; b="' + "c" * 1_000_000,
    'a; b="' + "\\c" * 500_000,
    "a; b=" * 200_000,
    ("a" + " " * 20 + ",") * 40_000 + "\0",
]


@pytest.mark.parametrize("value", HEAPS, ids=lambda value: repr(value[:8]))
def test_heaps_are_refused(value: str) -> None:
    """Repetition doesn't make the parsers slow."""
    with pytest.raises(InvalidHeaderFormat):
        parse_tokens("X", value)
    with pytest.raises(InvalidHeaderFormat):
        parse_extensions(value)
    assert not is_value(" " + value)
    assert not is_token(value)


# Basic authentication (RFC 7617).


@pytest.mark.parametrize(
    "username, password, value",
    [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),
        ("", "", "Basic Og=="),
        ("user", "a:b", "Basic dXNlcjphOmI="),
    ],
)
def test_basic_authorization_round_trip(username: str, password: str, value: str) -> None:
    """User name and password are written as the RFC's examples have them, and read back."""
    assert build_authorization_basic(username, password) == value
    assert parse_authorization_basic(value) == (username, password)
    assert parse_authorization_basic(value.replace("Basic", "bAsIc ")) == (username, password)


def test_user_name_has_no_colon() -> None:
    """A user name with a colon is read as another one."""
    assert parse_authorization_basic(build_authorization_basic("a:b", "c")) == ("a", "b:c")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        "Bearer QQ==",
        "Basic !!!!",
        "Basic dXNl!cjphOmI=",
        "Basic QQ",
        "Basic QQ==",
        "Basic /w==",
        "Basic \xe4",
        "Basicx Og==",
    ],
)
def test_malformed_authorization_is_refused(value: str) -> None:
    """Another scheme, or something that isn't two words in base64, is refused."""
    with pytest.raises(InvalidHeaderValue):
        parse_authorization_basic(value)


@given(st.lists(st.tuples(st.sampled_from(["A", "a", "B-c"]), st.sampled_from(["", "x", "x: y", "é"]))))
def test_packing_changes_nothing(lines: list[tuple[str, str]]) -> None:
    """Packed headers say what they said, and can be changed."""
    headers, packed = Headers(lines), Headers(lines)
    packed.pack()

    assert list(packed.raw_items()) == lines
    assert packed == headers
    assert packed.serialize() == headers.serialize()
    for changed in (headers, packed):
        changed["B-c"] = "more"
        del changed["b-C"]
        changed["d"] = "e"
    assert list(packed.raw_items()) == list(headers.raw_items())
    assert packed == headers


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "a", "b c", "B-c", "é"]), st.sampled_from(["", "x", "x: y", " x", "\n"])
        )
    )
)
def test_packed_lines_are_added(lines: list[tuple[str, str]]) -> None:
    """Lines that are added to packed headers are there, and are checked as any others."""
    headers, packed = Headers(), Headers.of_packed(b"")
    for name, value in lines:
        for growing in (headers, packed):
            growing[name] = value

    assert list(packed.raw_items()) == lines
    assert packed == headers
    assert serialized(packed) == serialized(headers)
    packed.unpack()
    assert list(packed.raw_items()) == lines


def serialized(headers: Headers) -> bytes | str:
    """Return headers as they go on the wire, or why they don't."""
    try:
        return headers.serialize()
    except ValueError as error:
        return str(error)


def test_serialized_headers_may_change() -> None:
    """What was written once is written anew after every kind of change."""
    headers = Headers(a="b")
    assert headers.serialize() == b"a: b\r\n"
    headers["c"] = "d"
    assert headers.serialize() == b"a: b\r\nc: d\r\n"
    del headers["a"]
    assert headers.serialize() == b"c: d\r\n"
    headers.clear()

    assert headers.serialize() == b""


def test_unsendable_lines_are_left() -> None:
    """What can't be sent can't be packed, and stays."""
    headers = Headers([("a", "b\nc")])
    headers.pack()

    assert headers["A"] == "b\nc"
