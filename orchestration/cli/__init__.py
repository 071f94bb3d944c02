"""The command `regulars`: see it work, look before sending, send, and ask why."""
