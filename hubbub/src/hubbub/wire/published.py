"""What is made of the structures for others to read, and where in a checkout it belongs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from hubbub.wire.schema import make_schema
from hubbub.wire.typescript import make_types
from hubbub.wire.values import SUBPROTOCOL

SCHEMA: Final = Path("docs", "protocol", f"{SUBPROTOCOL}.schema.json")
TYPES: Final = Path("hubbub", "web", "src", "wire", "frames.generated.ts")


def make_files() -> dict[Path, str]:
    """Return the text of each file, by its place under the root of the checkout."""
    schema = make_schema()
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    return {SCHEMA: f"{text}\n", TYPES: make_types(schema)}


def write_files(root: Path) -> None:
    """Write each file into a checkout.

    Raises:
        FileNotFoundError: if that is none.
    """
    for place, text in make_files().items():
        root.joinpath(place).write_text(text, "utf-8")
