"""What is hidden of a handshake, and what is shown."""

from __future__ import annotations

import pytest

from fullduplex.protocol.redaction import shown_header, shown_target


@pytest.mark.parametrize(
    "name, value, shown",
    [
        ("Authorization", "Basic YTpi", "Basic [hidden]"),
        ("authorization", "YTpi", "[hidden]"),
        ("Proxy-Authorization", "Bearer  abc def", "Bearer [hidden]"),
        ("Cookie", "session=abc; theme=dark", "[hidden]"),
        ("Set-Cookie", "session=abc", "[hidden]"),
        ("X-Api-Key", "abc", "[hidden]"),
        ("X-CSRF-Token", "abc", "[hidden]"),
        ("Sec-WebSocket-Protocol", "chat, bearer.abc,Bearer.def", "chat, bearer.[hidden], Bearer.[hidden]"),
        ("Location", "wss://localhost/?token=abc", "wss://localhost/?token=[hidden]"),
    ],
)
def test_secret_headers_are_hidden(name: str, value: str, shown: str) -> None:
    """Credentials aren't shown, but for their scheme, wherever they usually are."""
    assert shown_header(name, value) == shown


@pytest.mark.parametrize(
    "name, value",
    [
        ("Host", "localhost:8765"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("WWW-Authenticate", 'Basic realm="chat"'),
        ("Origin", "https://localhost"),
    ],
)
def test_other_headers_are_shown(name: str, value: str) -> None:
    """What is no secret is shown as it is, the handshake's own keys too."""
    assert shown_header(name, value) == value


@pytest.mark.parametrize(
    "target, shown",
    [
        ("/", "/"),
        ("/chat?", "/chat?"),
        ("/chat?room=1&ticket=abc&page=2", "/chat?room=1&ticket=[hidden]&page=2"),
        ("/?access_token=a=b", "/?access_token=[hidden]"),
        ("/?%74oken=abc", "/?%74oken=[hidden]"),
        ("/?token", "/?token"),
        ("/?TOKEN=a&token=b", "/?TOKEN=[hidden]&token=[hidden]"),
        ("/?a=b?token=c&password=d", "/?a=b?token=c&password=[hidden]"),
    ],
)
def test_secret_parameters_are_hidden(target: str, shown: str) -> None:
    """The values of parameters that are called like secrets are hidden, however their names are written."""
    assert shown_target(target) == shown
