"""Make what is made of the structures anew, in the checkout that this is run in."""

from __future__ import annotations

import sys
from pathlib import Path

from hubbub.wire.published import write_files

try:
    write_files(Path())
except FileNotFoundError as error:
    sys.exit(f"{error.filename}: there is no such place here; run this in the root of a checkout.")
