"""Spreads what was committed to whoever delivers it: within one process now, between several later."""
