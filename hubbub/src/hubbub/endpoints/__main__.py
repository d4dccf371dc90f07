"""Make the description of the endpoints anew, in the checkout that this is run in."""

from __future__ import annotations

import sys

from hubbub.endpoints.openapi import FILE, make_text

try:
    FILE.write_text(make_text(), "utf-8")
except FileNotFoundError as error:
    sys.exit(f"{error.filename}: there is no such place here; run this in the root of a checkout.")
