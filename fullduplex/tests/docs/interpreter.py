"""The program that the Python blocks of one page run in, as if typed into ``python -m asyncio``.

Reads a block a line, as JSON, and runs it beside those that have not ended; all share one namespace and one
loop.  Prints what the blocks print, and reports, in lines that begin with MARK: that a block has ended, with
its traceback if it failed; and trouble in the background, as what a listener raised.  At the end of its input
it cancels what still runs.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import linecache
import logging
import sys
import traceback
from typing import Any

MARK = "\x1e"


def report(**details: Any) -> None:
    """Tell who started us, behind everything that was printed before."""
    print(MARK + json.dumps(details), flush=True)


class Trouble(logging.Handler):
    """Reports what is logged as an error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record, with its traceback."""
        report(trouble=self.format(record))


async def run_block(number: int, name: str, source: str, namespace: dict[str, Any]) -> None:
    """Run a block to its end and report that."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    error = None
    try:
        code = compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        outcome = eval(code, namespace)
        if inspect.iscoroutine(outcome):
            await outcome
    except asyncio.CancelledError:
        raise
    except BaseException:
        error = traceback.format_exc()
    report(ended=number, error=error)


async def main() -> None:
    """Run blocks until there are no more."""
    logging.getLogger().addHandler(Trouble(logging.ERROR))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    loop = asyncio.get_running_loop()
    tasks = []
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        number, name, source = json.loads(line)
        tasks.append(asyncio.create_task(run_block(number, name, source, namespace)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
