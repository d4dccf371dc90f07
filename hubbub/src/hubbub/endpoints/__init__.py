"""The HTTP door: signing in and out, the page, and who may open the WebSocket.

The only package that knows HTTP: its statuses, headers and cookies.
"""
