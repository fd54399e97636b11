"""The rules, pure: start reading here."""
