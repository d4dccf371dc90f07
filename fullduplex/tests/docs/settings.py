"""Settings that a page shows, read by the programs that they are for."""

from __future__ import annotations

import asyncio
import configparser
import json
import tomllib
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml

from .pages import Block

Reader = Callable[[Block, Path, dict[str, str]], Awaitable[None]]


def _parsed_by(parse: Callable[[str], object]) -> Reader:
    """Return what reads settings that a function parses."""

    async def read(block: Block, folder: Path, environment: dict[str, str]) -> None:
        try:
            parse(block.text)
        except Exception as error:
            raise AssertionError(f"{block.language}: {error}") from error

    return read


def _parse_ini(text: str) -> None:
    # The files of systemd say a thing several times, and have per cent signs of their own.
    configparser.ConfigParser(strict=False, interpolation=None).read_string(text)


async def _checked_by(environment: dict[str, str], folder: Path, *command: str) -> None:
    """Have a program check settings, which it says by its status."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def _read_nginx(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Check a whole configuration, or what stands in the http or in a server part of one."""
    text = block.text
    if not any(line.startswith("events") for line in text.splitlines()):
        if "server {" not in text:
            text = f"server {{\n{text}\n}}"
        text = f"events {{}}\nhttp {{\n{text}\n}}"
    file = folder / f"nginx-{block.line}.conf"
    file.write_text(text, "utf-8")
    quiet = f"pid {folder}/nginx.pid;"
    await _checked_by(
        environment, folder, "nginx", "-t", "-p", str(folder), "-c", file.name, "-e", "stderr", "-g", quiet
    )


async def _read_caddy(block: Block, folder: Path, environment: dict[str, str]) -> None:
    """Check a Caddyfile."""
    file = folder / f"Caddyfile-{block.line}"
    file.write_text(block.text, "utf-8")
    await _checked_by(
        environment, folder, "caddy", "validate", "--adapter", "caddyfile", "--config", file.name
    )


READERS: dict[str, Reader] = {
    "json": _parsed_by(json.loads),
    "toml": _parsed_by(tomllib.loads),
    "yaml": _parsed_by(yaml.safe_load),
    "ini": _parsed_by(_parse_ini),
    "nginx": _read_nginx,
    "caddyfile": _read_caddy,
}
