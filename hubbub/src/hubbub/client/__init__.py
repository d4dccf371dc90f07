"""A client of the chat, for programs."""
