"""The WebSocket door: what is said on it, who is there, and who hears what.

Delivery never waits for the database: `wire`, `hub`, `outbound` and `presence` can't reach it.
"""
