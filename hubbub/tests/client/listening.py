"""What a program hears by the client."""

from __future__ import annotations

from hubbub.client import Client, Posted


async def hear(client: Client, count: int) -> list[str]:
    """Return what the next messages say."""
    texts: list[str] = []
    async for news in client:
        if isinstance(news, Posted):
            texts.append(news.text)
        if len(texts) == count:
            break
    return texts
