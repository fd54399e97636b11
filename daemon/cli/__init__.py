"""Commands: each parses its words, calls one desk function and prints."""
