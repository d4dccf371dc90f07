"""Breaks the chat on purpose, while people talk, and judges by what everybody saw whether it kept its word.

A program beside the package: `lab` runs real servers and clients, `cases` has a module for each fault,
`checker` is the judge.
"""
