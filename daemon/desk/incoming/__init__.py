"""A stored message is judged and sent the right way."""
