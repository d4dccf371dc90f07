"""What a chat is: its models, rules, events and errors.  Pure Python: no I/O, no clock, no framework."""
