"""A ticket: its changes, clocks, conversation, relay and confirmation."""
