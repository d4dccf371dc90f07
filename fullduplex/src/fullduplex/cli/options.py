"""The options of each command, with help that has examples to paste."""

from __future__ import annotations

import argparse

from . import arguments
from .arguments import Parser

__all__ = ["add_bench", "add_connect", "add_echo"]

CONNECT = """\
in a terminal:
  Enter sends; Alt-Enter, or Esc Enter, begins a new line of the same message.
  Ctrl-R searches what was typed before. Ctrl-D closes. /help lists commands.

in a script, when input or output isn't a terminal:
  Each line of the input is a message, and each message that arrives is a line
  of the output, which has nothing else; the rest goes to standard error.

examples:
  fullduplex connect ws://localhost:9998/
  fullduplex connect ws://localhost:9998/ --json --ping 5
  fullduplex connect ws://localhost:9998/ --subprotocol chat -H 'X-Room: 1'
  printf 'one\\ntwo\\n' | fullduplex connect ws://localhost:9998/ --count 2
  echo 00 ff | fullduplex connect ws://localhost:9998/ --hex --count 1
  fullduplex connect ws://localhost:9998/ --whole --count 1 < /etc/hosts

exit status:
  0  closed normally        1  no connection: refused, or the handshake failed
  2  wrong arguments        3  closed by an error, or before --count messages
  130  Ctrl-C
"""

ECHO = """\
examples:
  fullduplex echo
  fullduplex echo --port 9999 --face event --no-compression
  fullduplex echo --stream --max-size none
"""

BENCH = """\
Each connection sends, waits for the same message to come back, and sends the
next; --in-flight sends some ahead. With --rate, messages are sent at their time
whether or not the earlier ones are back, and latency counts from that time:
a server that stalls doesn't get away with fewer messages. Times are kept to
about a millisecond, which is in the figures.

examples (after: fullduplex echo):
  fullduplex bench ws://localhost:9998/
  fullduplex bench ws://localhost:9998/ --connections 100 --in-flight 16
  fullduplex bench ws://localhost:9998/ --rate 2000 --duration 5 --json

exit status:
  0  done                   1  no connection: refused, or the handshake failed
  2  wrong arguments        3  a connection was lost, or what came back differs
  130  Ctrl-C, after which the summary is of what was measured
"""


def add_connect(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command for talking with a server."""
    parser = commands.add_parser(
        "connect",
        usage="fullduplex connect URL [options]",
        description="Talk with a WebSocket server, in a terminal or from a script.",
        epilog=CONNECT,
    )
    parser.add_argument("url", metavar="URL", help="ws://… or wss://…")
    _add_request(parser)
    way = _add_way(parser)
    proxies = way.add_mutually_exclusive_group()
    proxies.add_argument("--proxy", metavar="URL", help="go through this proxy: http, https, socks5h, …")
    proxies.add_argument("--no-proxy", action="store_true", help="go directly, whatever the environment says")
    _add_messages(parser)
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--json", action="store_true", help="lay out JSON; numbers and order stay as they are")
    shown.add_argument(
        "--show", type=arguments.count, default=256, metavar="BYTES", help="of binary messages (%(default)s)"
    )
    shown.add_argument(
        "--ping",
        type=arguments.positive_seconds,
        metavar="SECONDS",
        help="ping so often, and show how long it took",
    )
    shown.add_argument("--no-history", action="store_true", help="neither read nor keep what is typed")
    ends = parser.add_argument_group("when a script ends")
    ends.add_argument("--count", type=arguments.count, metavar="N", help="after N messages have arrived")
    ends.add_argument(
        "--wait",
        type=arguments.seconds,
        default=argparse.SUPPRESS,
        metavar="SECONDS",
        help="after the input's end, when so long nothing has arrived; none waits for the server"
        " (1; with --count none)",
    )


def _add_messages(parser: Parser) -> None:
    messages = parser.add_argument_group("messages")
    forms = messages.add_mutually_exclusive_group()
    forms.add_argument(
        "--binary", dest="form", action="store_const", const="binary", help="send binary messages"
    )
    forms.add_argument(
        "--hex",
        dest="form",
        action="store_const",
        const="hex",
        help="send binary messages typed as hex digits; in scripts, write those that arrive so as well",
    )
    parser.set_defaults(form="text")
    cuts = messages.add_mutually_exclusive_group()
    cuts.add_argument(
        "--delimiter",
        type=arguments.delimiter,
        default=b"\n",
        metavar="TEXT",
        help=r"what ends a message in scripts, both ways; \0 is a zero byte (a line's end)",
    )
    cuts.add_argument("--whole", action="store_true", help="send all of the input as one message")
    messages.add_argument(
        "--max-size",
        type=arguments.size,
        default=2**20,
        metavar="BYTES",
        help="largest message to take, or none for no limit (%(default)s)",
    )
    messages.add_argument("--no-compression", action="store_true", help="don't offer permessage-deflate")


def _add_request(parser: Parser) -> None:
    """Add what can be said to a server when connecting."""
    request = parser.add_argument_group("what the server is told")
    request.add_argument(
        "-H", "--header", action="append", type=arguments.header, metavar="'NAME: VALUE'", help="repeatable"
    )
    request.add_argument(
        "--subprotocol",
        action="append",
        type=arguments.subprotocol,
        metavar="NAME",
        help="repeatable, best first",
    )
    request.add_argument("--origin", type=arguments.origin, metavar="URL", help="as a page from there would")
    request.add_argument(
        "--cookie", action="append", type=arguments.cookie, metavar="NAME=VALUE", help="repeatable"
    )
    credentials = request.add_mutually_exclusive_group()
    credentials.add_argument(
        "--user",
        type=arguments.secret,
        metavar="NAME[:PASSWORD]",
        help="Basic authentication; asks for a missing password; @FILE reads it all from a file",
    )
    credentials.add_argument(
        "--bearer",
        type=arguments.bearer,
        metavar="TOKEN",
        help="or @FILE, which others can't see in a list of processes",
    )


def _add_way(parser: Parser) -> argparse._ArgumentGroup:
    """Add how to get to a server; return the group."""
    way = parser.add_argument_group("the way there")
    trust = way.add_mutually_exclusive_group()
    trust.add_argument("--cafile", metavar="FILE", help="trust the certificates in it (PEM)")
    trust.add_argument("--insecure", action="store_true", help="trust any certificate")
    way.add_argument(
        "--timeout",
        type=arguments.positive_seconds,
        default=10.0,
        metavar="SECONDS",
        help="until the connection is open, or none (10)",
    )
    return way


def add_echo(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command for the echo server."""
    echo = commands.add_parser(
        "echo",
        usage="fullduplex echo [options]",
        description="Send every message back, on any path; and those to /fanout to all there.",
        epilog=ECHO,
    )
    echo.add_argument("--host", default="localhost", help="address to listen on (%(default)s)")
    echo.add_argument("--port", type=arguments.port, default=9998, help="0 takes a free one (%(default)s)")
    echo.add_argument("--face", choices=("asyncio", "event"), default="asyncio", help="(%(default)s)")
    echo.add_argument(
        "--stream",
        action="store_true",
        help="send each message back while it arrives, in constant memory, in fragments; asyncio face only",
    )
    echo.add_argument("--no-compression", action="store_true", help="decline permessage-deflate")
    echo.add_argument(
        "--max-size",
        type=arguments.size,
        default=2**20,
        metavar="BYTES",
        help="largest message, or none for no limit (%(default)s)",
    )


def add_bench(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command for measuring."""
    bench = commands.add_parser(
        "bench",
        usage="fullduplex bench URL [options]",
        description="Measure a server that sends messages back as they are, and check that it does.",
        epilog=BENCH,
    )
    bench.add_argument("url", metavar="URL", help="ws://… or wss://… of an echo server")
    load = bench.add_argument_group("load")
    load.add_argument("--connections", type=arguments.count, default=10, metavar="N", help="(%(default)s)")
    load.add_argument(
        "--in-flight",
        type=arguments.count,
        metavar="N",
        help="messages of a connection on their way at most (1; with --rate 1000)",
    )
    load.add_argument(
        "--size", type=arguments.count, default=64, metavar="BYTES", help="of a message (%(default)s)"
    )
    load.add_argument(
        "--rate", type=arguments.rate, metavar="N", help="messages a second, of all connections"
    )
    load.add_argument("--binary", action="store_true", help="binary messages, not text")
    load.add_argument("--compression", action="store_true", help="offer permessage-deflate")
    load.add_argument(
        "--duration", type=arguments.rate, default=10.0, metavar="SECONDS", help="to measure (10)"
    )
    load.add_argument(
        "--warm-up", type=arguments.seconds, default=1.0, metavar="SECONDS", help="before that (1)"
    )
    load.add_argument("--remote", action="store_true", help="load another machine: I may, it is mine")
    bench.add_argument("--json", action="store_true", help="write the figures as JSON, and nothing else")
    _add_request(bench)
    _add_way(bench)
    bench.set_defaults(proxy=None, no_proxy=True)
