"""One message there and back, and every state on the way.

`index.html` in this folder is the same program for a browser, and prints the same lines.

    1. fullduplex echo --port 9998
    2. python echo.py
"""

import asyncio

from fullduplex import WebSocket


async def main():
    """Open, send, receive, close; return when the connection is closed."""
    closed = asyncio.Event()

    def state():
        return f"readyState {ws.readyState}, bufferedAmount {ws.bufferedAmount}"

    ws = WebSocket("ws://localhost:9998/echo")
    print(f"created: {state()}")

    def onopen(event):
        print(f"open: {state()}")
        ws.send("发送数据")
        print(f"sent: {state()}")

    def onmessage(event):
        print(f"message {event.data}: {state()}")
        ws.close(1000)
        print(f"closing: {state()}")

    def onclose(event):
        print(f"closed {'cleanly' if event.wasClean else 'uncleanly'} with {event.code}: {state()}")
        closed.set()

    ws.onopen, ws.onmessage, ws.onclose = onopen, onmessage, onclose
    await closed.wait()


asyncio.run(main())
