"""Say, rule by rule, whether a server keeps `hubbub.v1`.

    run.py ws://localhost:8000             every case; about a minute
    run.py ws://localhost:8000 --quick     without those that wait for time limits
    run.py ws://localhost:8000 --rules R2 R4

It signs in as a few guests, makes rooms of its own, and writes nowhere else.  It exits with 0 when every rule
was kept as far as that could be seen, with 1 when one was broken, and with 130 when it was interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from examine import choose, examine, render
from rules import RULES, Finding, Verdict
from stage import House, http_address, websocket_address


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    options = read_options()
    address = websocket_address(options.address)
    house = House(address, options.http or http_address(address))
    try:
        findings = asyncio.run(examine_all(house, options))
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    print(render(findings, frames=options.frames))
    return int(any(finding.verdict is Verdict.BROKEN for finding in findings))


async def examine_all(house: House, options: argparse.Namespace) -> list[Finding]:
    """Go through the cases that were asked for, and show how far it is."""
    findings = []
    async for finding in examine(house, choose(options.rules, quick=options.quick)):
        print(f"{finding.verdict:8} {finding.case.rule:8} {finding.case.title}", file=sys.stderr, flush=True)
        findings.append(finding)
    return findings


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Say, rule by rule, whether a server keeps hubbub.v1.")
    parser.add_argument("address", help="where its WebSocket is, such as ws://localhost:8000")
    parser.add_argument("--http", metavar="URL", help="where guests are let in, if that is another address")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=(), metavar="RULE", help="only these")
    parser.add_argument("--quick", action="store_true", help="leave out what waits for time limits")
    parser.add_argument(
        "--frames", type=int, default=12, metavar="NUMBER", help="show so many frames of each failure"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
