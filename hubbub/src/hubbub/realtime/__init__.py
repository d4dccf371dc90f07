"""The WebSocket door: what is said on it, who is there, and who hears what.

Delivery never waits for the database: `hub`, `outbound`, `presence` and `showing` can't reach it.
"""
