"""The verbs of the chat, one to a module: each checks what may be done and does it, in one transaction."""
