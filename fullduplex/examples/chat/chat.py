"""A chat room in thirty lines: start it, then open index.html in several browsers."""

import asyncio
from urllib.parse import unquote

from fullduplex import broadcast, serve

people = {}


async def room(connection):
    """Let somebody in, pass on what they write, and tell when they left."""
    name = unquote(connection.request.path).strip("/") or "somebody"
    people[connection] = name
    broadcast(people, f"{name} came in. Here are: {', '.join(people.values())}.")
    try:
        async for message in connection:
            broadcast(people, f"{name}: {message}")
    finally:
        del people[connection]
        broadcast(people, f"{name} left.")


async def main():
    """Keep the room open."""
    async with serve(room, "localhost", 8765) as server:
        await server.serve_forever()


asyncio.run(main())
