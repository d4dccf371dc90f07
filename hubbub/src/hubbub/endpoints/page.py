"""The page: the front end's files, as they were built.

Every file is looked for when it is asked for, so that building anew needs no new start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

_NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>hubbub</title>
<p>The page has not been built yet: run <code>./run setup</code>, then load it again.</p>
<p lang="zh-CN">网页还没有构建：请运行 <code>./run setup</code>，然后重新加载。</p>
</html>
"""

# The places that the page itself shows by its address: a room, a message in it, the thread of one.
_PLACES: Final = ("/", "/r/{room}", "/r/{room}/{message:int}", "/r/{room}/t/{message:int}")

# The names of assets change with their content.
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_ASK_FIRST: Final = {"Cache-Control": "no-cache"}


class Page:
    """The endpoints that give out what is in a folder, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def routes(self) -> list[Route]:
        """Return where these endpoints are."""
        small = [Middleware(GZipMiddleware, minimum_size=1024)]
        return [
            *(Route(place, self.show_index, methods=["GET"], middleware=small) for place in _PLACES),
            Route("/assets/{name}", self.show_asset, methods=["GET"], middleware=small),
            Route("/{name}", self.show_file, methods=["GET"], middleware=small),
        ]

    def show_index(self, _request: Request) -> Response:
        """Give out the page, or say how to build it."""
        index = self._folder / "index.html"
        if not index.is_file():
            return HTMLResponse(_NOT_BUILT, 503, _ASK_FIRST)
        return FileResponse(index, headers=_ASK_FIRST)

    def show_asset(self, request: Request) -> Response:
        """Give out a file that belongs to the page."""
        return self._show(self._folder / "assets", request, _FOR_EVER)

    def show_file(self, request: Request) -> Response:
        """Give out a file whose name must stay the same."""
        return self._show(self._folder, request, _ASK_FIRST)

    def _show(self, folder: Path, request: Request, headers: dict[str, str]) -> Response:
        name: str = request.path_params["name"]
        # On some systems a name can be a path even without a slash.
        if name.startswith(".") or Path(name).name != name or not _is_file(folder / name):
            raise HTTPException(404)
        return FileResponse(folder / name, headers=headers)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # No file can have this name.
        return False
