"""Whether the server is alive."""

from __future__ import annotations


async def test_server_is_well(program) -> None:
    """Whoever asks is told, and keeps no copy."""
    answer = await program.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"
