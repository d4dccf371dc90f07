"""Print whatever a page sends, with the event face that Node's users know from `ws`.

1. python server.py
2. Open index.html, in this folder, in a browser or two; write, and press Send.
"""

from fullduplex import WebSocketServer

wss = WebSocketServer(port=8181)


@wss.on("connection")
def connected(ws, request):
    """Print what happens on one connection."""
    print("somebody connected")
    ws.on("message", lambda message, is_binary: print("received:", message))
    ws.on("close", lambda code, reason: print("somebody left:", code, reason))


wss.run()
