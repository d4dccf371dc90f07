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
        ("Sec-WebSocket-Protocol", "chat, bearer.abc,Bearer.def", "chat, bearer.[hidden],Bearer.[hidden]"),
        ("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.abc", "base64url.bearer.[hidden]"),
        ("Sec-WebSocket-Protocol", "access_token, eyJhbGci.e30.x", "access_token, eyJ[hidden]"),
        ("Sec-WebSocket-Protocol", 'jwt-abc, "token.abc', 'jwt-[hidden], "token.[hidden]'),
        ("Location", "wss://localhost/?token=abc", "wss://localhost/?token=[hidden]"),
        (
            "Location",
            "https://localhost/#access_token=abc&a=b",
            "https://localhost/#access_token=[hidden]&a=b",
        ),
        ("Referer", "https://ann:lee@localhost/?a=b", "https://[hidden]@localhost/?a=b"),
        ("X-Original-URI", "/?ticket=abc", "/?ticket=[hidden]"),
        ("Link", "</?token=abc>; rel=next", "</?token=[hidden]; rel=next"),
        ("Cf-Access-Jwt-Assertion", "eyJ", "[hidden]"),
        ("X-Passphrase", "abc", "[hidden]"),
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
        ("Accept", "text/html;q=0.9, */*"),
        ("Sec-WebSocket-Protocol", "chat, v1.sip, token, graphql-transport-ws"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=12"),
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
        ("/?a=b?token=c&password=d", "/?a=b?token=[hidden]&password=[hidden]"),
        ("/?a=1;token=b", "/?a=1;token=[hidden]"),
        ("/a;sid=b/c", "/a;sid=[hidden]"),
        ("/?code=abc&sig=abc&pwd=abc", "/?code=[hidden]&sig=[hidden]&pwd=[hidden]"),
        ("/?otp=123456&pin=1&pins=2", "/?otp=[hidden]&pin=[hidden]&pins=2"),
        ("/keyboard?monkey=1&room=2", "/keyboard?monkey=[hidden]&room=2"),
        ("/?country_code=it&design=a&room=tokens", "/?country_code=it&design=a&room=tokens"),
        ("/?next=%2F%3Ftoken%3Dabc&to=%2Fchat%3Fa%3Db", "/?next=[hidden]&to=%2Fchat%3Fa%3Db"),
        ("/?to=https%3A%2F%2Fann%3Alee%40localhost", "/?to=[hidden]"),
    ],
)
def test_secret_parameters_are_hidden(target: str, shown: str) -> None:
    """The values of parameters that are called like secrets are hidden, however their names are written."""
    assert shown_target(target) == shown
