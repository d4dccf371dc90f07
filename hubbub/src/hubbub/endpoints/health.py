"""Whether the server is alive, for whoever watches it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hubbub.endpoints.errors import answer

PATH: Final = "/healthz"


async def show_health(_request: Request) -> Response:
    """Say that the server answers."""
    return answer({"status": "ok"})


def routes() -> list[Route]:
    """Return where this endpoint is."""
    return [Route(PATH, show_health, methods=["GET"])]
