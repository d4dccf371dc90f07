"""What runs the blocks of pages: what it lets pass, and that a block that breaks is found."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from . import processes, workplace
from .pages import blocks_of
from .running import PageRun, need_programs

pytestmark = pytest.mark.asyncio(loop_scope="session")


def block(language: str, *lines: str, note: str = "", shown: str = "") -> str:
    """Return a block of a page, with a note before it and its output behind it."""
    before = f"<!-- {note} -->\n" if note else ""
    behind = f"\n```text\n{shown}\n```\n" if shown else ""
    return "\n".join([f"{before}```{language}", *lines, "```", behind])


def python(*lines: str, note: str = "", shown: str = "") -> str:
    """Return a block of Python."""
    return block("python", *lines, note=note, shown=shown)


def console(*lines: str) -> str:
    """Return a block of a console."""
    return block("console", *lines)


def echo(loop: str = "async for") -> str:
    """Return a block with a server that sends everything back, or that fails in its loop."""
    return python(
        "from fullduplex import connect, serve",
        "async def echo(connection):",
        f"    {loop} message in connection:",
        "        await connection.send(message)",
        "async with serve(echo, 'localhost', 9998) as server:",
        "    await server.serve_forever()",
    )


TALK = python(
    "async with connect('ws://localhost:9998/') as connection:",
    "    await connection.send('发送数据')",
    "    print(await connection.recv(), connection.remote_address[1])",
    shown="发送数据 9998",
)
SERVER = python(
    "# server.py",
    "from fullduplex import WebSocketServer",
    "wss = WebSocketServer(port=8181)",
    "@wss.on('connection')",
    "def connected(ws, request):",
    "    ws.on('message', lambda message, is_binary: print(f'they say {message} on 8181'))",
    "wss.run()",
)
BROWSER_OBJECT = python(
    "from fullduplex import WebSocket",
    "ws = WebSocket('ws://localhost:9998/')",
    "ws.onopen = lambda event: ws.send('later')",
    "ws.onmessage = lambda event: print(event.data)",
    note="with: fullduplex echo --port 9998",
    shown="later",
)
CHANGE = block(
    "diff",
    "-from websockets import Headers",
    "+from fullduplex import Headers",
    " print(Headers.__module__)",
    shown="fullduplex...",
)

SOUND = {
    "names are shared": python("a = 1") + python("print(a)", shown="1"),
    "what is awaited": python("import asyncio", "await asyncio.sleep(0)", "print(1)", shown="1"),
    "anything may stand for dots": python("print('took', 3, 'ms')", shown="took ... ms"),
    "a server among blocks": echo() + TALK,
    "a server of its own": SERVER
    + console("$ python server.py")
    + console("$ echo hello | fullduplex connect ws://localhost:8181/")
    + block("text", "they say hello on 8181", note="of: server.py"),
    "what is printed later": BROWSER_OBJECT,
    "a program": python(
        "import asyncio", "async def main():", "    print(1)", "asyncio.run(main())", shown="1"
    ),
    "what the reader imagines": python("print(app)", note="setup: app = 5", shown="5"),
    "the same port again": echo() + "<!-- stop -->\n" + echo() + TALK,
    "hosts and certificates": python(
        "import ssl",
        "from fullduplex import connect, serve",
        "context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)",
        "context.load_cert_chain('/etc/ssl/chat.pem')",
        "async def greet(connection):",
        "    await connection.send('hello')",
        "async with serve(greet, 'chat.example', 443, ssl=context):",
        "    async with connect('wss://chat.example/') as connection:",
        "        print(await connection.recv())",
        shown="hello",
    ),
    "typing": console("$ cat", "> hello", "hello", "> again", "again"),
    "Ctrl-C": console("$ fullduplex echo --port 9998", "Echoing on ...", "^C"),
    "a status that is shown": console("$ false || echo $?", "1"),
    "installing": console("$ pip install 'fullduplex[asgi]' hypothesis"),
    "verbs": console("$ ./run  # the chat", "$ ./run test -k docs"),
    "a change": CHANGE,
    "settings": block("json", '{"a": 1}') + block("toml", "a = 1") + block("ini", "[Service]", "A=%h"),
    "nginx": block("nginx", "location / {", "    proxy_pass http://localhost:9998;", "}")
    + block(
        "nginx",
        "server {",
        "    listen 443 ssl;",
        "    ssl_certificate /etc/ssl/a.pem;",
        "    ssl_certificate_key /etc/ssl/a.key;",
        "}",
    ),
    "Caddy": block("caddyfile", "localhost:8443 {", "    reverse_proxy localhost:9998", "}"),
    "Node": block("javascript", 'import WebSocket from "ws";', "console.log(WebSocket.CLOSED);", shown="3"),
    "what can't be run": block("text", "+-+", note="not run: it is a picture"),
}

NOT_SHOWN, ENDLESS, DEAF = "the page shows", "it doesn't end", "goes on after Ctrl-C"
BROKEN = {
    "an exception": (python("1 / 0"), "ZeroDivisionError"),
    "bad syntax": (python("1 +"), "invalid syntax"),
    "bad syntax in a file": (python("# a.py", "1 +"), "invalid syntax"),
    "another output": (python("print(1)", shown="2"), NOT_SHOWN),
    "more output": (python("print(1)", "print(2)", shown="1"), NOT_SHOWN),
    "a listener that raises": (echo("for") + TALK, "1011"),
    "a callback that raises": (
        python(
            "import asyncio",
            "asyncio.get_running_loop().call_soon(lambda: 1 / 0)",
            "await asyncio.sleep(0)",
        ),
        "ZeroDivisionError",
    ),
    "what is raised behind the output": (python("print(1)", "1 / 0", shown="1"), "ZeroDivisionError"),
    "a program that raises": (python("import asyncio", "asyncio.run(1)"), "status 1"),
    "a command that fails": (console("$ false"), "status 1"),
    "a command that isn't there": (console("$ fullduplexx"), "status 127"),
    "a command's other output": (console("$ echo 1", "2"), NOT_SHOWN),
    "what goes on": (console("$ sleep 60"), ENDLESS),
    "nobody there": (
        python("from fullduplex import connect", "await connect('ws://localhost:9998/')"),
        "OSError",
    ),
    "Ctrl-C that does nothing": (
        console("$ trap '' INT; echo deaf; sleep 60", "deaf", "^C"),
        DEAF,
    ),
    "an unknown extra": (console("$ pip install 'fullduplex[abc]'"), "nothing to install"),
    "an unknown verb": (console("$ ./run away"), "no verb 'away'"),
    "a file for nothing": (python("# a.py", "print(1)"), "nothing uses a.py"),
    "an unknown language": (block("cobol"), "no way to run cobol"),
    "no language": (block("", "./run"), "no way to run what has no language"),
    "text of nothing": (block("text", "1"), "the output of nothing"),
    "bad settings": (block("json", '{"a": 1,}'), "json"),
    "bad settings of nginx": (block("nginx", "listens 80;"), "unknown directive"),
    "bad settings of Caddy": (block("caddyfile", "localhost:8443 {"), "Syntax error"),
    "Node's exceptions": (block("javascript", 'import "fs";', 'throw new Error("no");'), "no"),
}

IN_BROWSER_SOUND = {
    "a script": block("javascript", "console.log(typeof WebSocket)", shown="function"),
    "a script that talks": block(
        "javascript",
        'const ws = new WebSocket("ws://localhost:9998/");',
        'ws.onopen = () => ws.send("hello");',
        "ws.onmessage = ({ data }) => console.log(data);",
        note="with: fullduplex echo --port 9998",
        shown="hello",
    ),
    "a page": "<!-- types: hello -->\n<!-- shows: you said hello -->\n"
    + block(
        "html",
        "<input><p></p><script>",
        'document.querySelector("input").onchange = ({ target }) => {',
        '  document.querySelector("p").textContent = `you said ${target.value}`;',
        "};",
        "</script>",
    ),
}
IN_BROWSER_BROKEN = {
    "an exception": (block("javascript", "nothing()"), "nothing is not defined"),
    "an exception in a page": (block("html", "<script>nothing()</script>"), "nothing is not defined"),
    "another output": (block("javascript", "console.log(1)", shown="2"), NOT_SHOWN),
}


async def run_text(text: str, folder: Path, browser: Browser | None = None) -> None:
    """Run the blocks of a page that has this text."""
    blocks = blocks_of(text)
    need_programs(blocks)
    await PageRun(text, blocks, folder, browser).run()


async def failing(monkeypatch: pytest.MonkeyPatch, why: str, *page: Any) -> str:
    """Return why a page fails; wait but a moment if it is for something that doesn't come."""
    if why in (NOT_SHOWN, ENDLESS, DEAF):
        monkeypatch.setattr(workplace, "PATIENCE", 1.0)
        monkeypatch.setattr(processes, "GRACE", 0.5)
    with pytest.raises(AssertionError, match=r"^line \d+: ") as raised:
        await run_text(*page)
    return str(raised.value)


@pytest.mark.parametrize("page", SOUND.values(), ids=SOUND.keys())
async def test_sound_pages_pass(page: str, tmp_path: Path) -> None:
    """What does as the page says passes."""
    await run_text(page, tmp_path)


@pytest.mark.parametrize("page, why", BROKEN.values(), ids=BROKEN.keys())
async def test_broken_pages_fail(
    page: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What doesn't do as the page says is found, with its line and the reason."""
    assert why in await failing(monkeypatch, why, page, tmp_path)


@pytest.mark.parametrize("page", IN_BROWSER_SOUND.values(), ids=IN_BROWSER_SOUND.keys())
async def test_sound_pages_pass_in_browser(page: str, tmp_path: Path, browser: Browser) -> None:
    """What does in Chromium as the page says passes."""
    await run_text(page, tmp_path, browser)


@pytest.mark.parametrize("page, why", IN_BROWSER_BROKEN.values(), ids=IN_BROWSER_BROKEN.keys())
async def test_broken_pages_fail_in_browser(
    page: str, why: str, tmp_path: Path, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What doesn't do in Chromium as the page says is found."""
    assert why in await failing(monkeypatch, why, page, tmp_path, browser)


async def test_fast_servers_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that listens before anybody looks isn't taken for one that did so before."""
    start, listens = processes.Command.start, asyncio.Event()

    async def start_and_wait(*args: Any, **options: Any) -> processes.Command:
        command = await start(*args, **options)
        await listens.wait()
        return command

    monkeypatch.setattr(processes.Command, "start", start_and_wait)
    monkeypatch.setattr(processes.Command, "_printed", lambda *_: listens.set())
    monkeypatch.setattr(workplace, "PATIENCE", 1.0)

    await run_text(console("$ fullduplex echo --port 9998"), tmp_path)


async def test_unknown_notes_are_refused() -> None:
    """A note that nobody reads would be a mistake."""
    with pytest.raises(ValueError, match="'print' is no verb"):
        blocks_of("<!-- print: 1 -->\n```python\n1\n```\n")
