"""What the options of connect and serve stand for in the opening handshake."""

from __future__ import annotations

import pytest

from fullduplex.aio.negotiation import deflate_factories, extension_factories
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory


def test_compression_becomes_factories() -> None:
    """None declines, "deflate" has the defaults, and a factory is taken as it is."""
    factory = PerMessageDeflateFactory(level=1)

    assert deflate_factories(None) == ()
    assert deflate_factories("deflate") == (PerMessageDeflateFactory(),)
    assert deflate_factories(factory) == (factory,)


@pytest.mark.parametrize("compression", ["gzip", "", "Deflate"])
def test_other_words_are_refused(compression: str) -> None:
    """A word that means nothing is a mistake, not "no compression"."""
    with pytest.raises(ValueError, match="compression must be 'deflate'"):
        deflate_factories(compression)


def test_extensions_go_before_compression() -> None:
    """Compression is added to the extensions given, unless it is one of them."""
    own = PerMessageDeflateFactory(level=9)

    assert [factory.name for factory in extension_factories((), "deflate")] == ["permessage-deflate"]
    assert extension_factories([own], "deflate") == [own]
    assert extension_factories([own], None) == [own]
    assert extension_factories([], None) == []
