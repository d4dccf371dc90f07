"""Our event client beside npm's ws: the same scenes show the same, state by state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fullduplex import serve
from fullduplex.emitter import WebSocket
from fullduplex.exceptions import LocalProtocolError
from fullduplex.protocol.http11 import Request, Response

from .theirs import program

Show = Callable[..., None]
EVENTS = ("upgrade", "open", "message", "redirect", "error", "close")


def nothing(ws: WebSocket, show: Show) -> None:
    """Only listen."""


def come_back(ws: WebSocket, show: Show) -> None:
    """Send a message, and close when it is back."""
    ws.on("open", lambda: ws.send("hi"))
    ws.on("message", lambda data, is_binary: ws.close(4000, "enough"))


def read_refusal(ws: WebSocket, show: Show) -> None:
    """See why, and end it."""

    @ws.on("unexpected-response")
    def refused(request: Request, response: Response) -> None:
        show("unexpected-response", response.status_code)
        ws.terminate()


def close_at_once(ws: WebSocket, show: Show) -> None:
    """Close before anything happens."""
    ws.close()
    show("closed")


def terminate_at_once(ws: WebSocket, show: Show) -> None:
    """Terminate before anything happens."""
    ws.terminate()
    show("terminated")


def close_at_upgrade(ws: WebSocket, show: Show) -> None:
    """Close when the server has agreed."""

    @ws.on("upgrade")
    def upgraded(response: Response) -> None:
        ws.close()
        show("closed")


def send_early(ws: WebSocket, show: Show) -> None:
    """Send before it is open."""
    for send in (ws.send, ws.ping, ws.pong):
        try:
            send("early")
        except LocalProtocolError:
            show("refused")
    ws.on("open", lambda: ws.close(1000))


def send_late(ws: WebSocket, show: Show) -> None:
    """Send while and after it closes."""

    @ws.on("open")
    def opened() -> None:
        ws.close(1000)
        ws.send("late")
        ws.ping()

    @ws.on("close")
    def closed(code: int, reason: str) -> None:
        ws.send("later")
        ws.close()
        ws.terminate()
        show("nothing")


def pause(ws: WebSocket, show: Show) -> None:
    """Pause early, in time and late."""
    ws.pause()
    show(ws.isPaused)

    @ws.on("open")
    def opened() -> None:
        ws.pause()
        show(ws.isPaused)
        ws.resume()
        show(ws.isPaused)
        ws.close(1000)

    @ws.on("close")
    def closed(code: int, reason: str) -> None:
        ws.pause()
        show(ws.isPaused)


def listen_as_in_browser(ws: WebSocket, show: Show) -> None:
    """Use attributes and event objects."""

    def opened(event: Any) -> None:
        show("onopen", event.type)
        ws.send("hi")

    def said(event: Any) -> None:
        show("listener", event.data)
        ws.close(1000, "enough")

    ws.onopen = opened
    ws.addEventListener("message", said)
    ws.onclose = lambda event: show("onclose", event.code, event.reason, event.wasClean)


#: Path, options, and what is done; `peers/twin.js` has the same.
SCENES: dict[str, tuple[str, dict[str, Any], Callable[[WebSocket, Show], object]]] = {
    "a message comes back": ("/", {}, come_back),
    "the server closes": ("/close", {}, nothing),
    "refused": ("/forbidden", {}, nothing),
    "refused, and read": ("/forbidden", {}, read_refusal),
    "redirected": ("/redirect", {"followRedirects": True}, lambda ws, show: ws.on("open", ws.close)),
    "redirected, unasked": ("/redirect", {}, nothing),
    "redirected too often": ("/loop", {"followRedirects": True, "maxRedirects": 2}, nothing),
    "closed early": ("/", {}, close_at_once),
    "terminated early": ("/", {}, terminate_at_once),
    "closed at upgrade": ("/", {}, close_at_upgrade),
    "no common subprotocol": ("/", {"protocols": ["a"]}, nothing),
    "sent early": ("/", {}, send_early),
    "sent late": ("/", {}, send_late),
    "terminated": ("/", {}, lambda ws, show: ws.on("open", ws.terminate)),
    "too long a message": ("/long", {"maxPayload": 10}, nothing),
    "paused": ("/", {}, pause),
    "the browser's way": ("/", {}, listen_as_in_browser),
}


async def play(
    server: str, path: str, options: dict[str, Any], act: Callable[[WebSocket, Show], object]
) -> Any:
    """Play a scene; return what it shows."""
    shown: list[Any] = []
    ws = WebSocket(server + path, **options)

    def show(*what: object) -> None:
        shown.append([ws.readyState, *what])

    def happened(event: str, *details: Any) -> None:
        if event == "redirect":
            show(event, details[0] == ws.url, details[0].replace(server, ""))
        else:
            show(event, *(details if event in ("message", "close") else ()))

    for event in EVENTS:
        ws.on(event, lambda *details, event=event: happened(event, *details))
    act(ws, show)
    await ws.wait_closed()
    return shown


async def talk(connection: Any) -> None:
    """Be the server of every scene."""
    if connection.request.path == "/close":
        await connection.close(4001, "再见")
    if connection.request.path == "/long":
        await connection.send("longer than ten")
    async for message in connection:
        await connection.send(message)


def answer(connection: Any, request: Request) -> Response | None:
    """Refuse or redirect who asks for that."""
    if request.path == "/forbidden":
        return connection.respond(403, "no\n")  # type: ignore[no-any-return]
    if request.path in ("/redirect", "/loop"):
        response: Response = connection.respond(302, "elsewhere\n")
        response.headers["Location"] = "/loop" if request.path == "/loop" else "/there"
        return response
    return None


async def test_scenes_show_the_same() -> None:
    """Events, their details and the states in which they come are those of ws, scene by scene."""
    theirs: dict[str, Any] = {}
    async with serve(talk, "127.0.0.1", 0, process_request=answer) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ours = {name: await play(address, *scene) for name, scene in SCENES.items()}
        async with program("node", "twin.js", address) as peer:
            for _ in SCENES:
                scene = await peer.told("scene")
                theirs[scene["name"]] = scene["shown"]
            await peer.told("end")

    assert ours == theirs
    assert all(ours.values())
