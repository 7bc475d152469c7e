"""Cases in, a report out, by asking what the user asks."""
