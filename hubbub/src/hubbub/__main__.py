"""Lets `python -m hubbub` be `hubbub`."""

from hubbub.cli import main

main()
