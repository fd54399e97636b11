"""Mails that time brings: warnings, bank notices, ending terms, the morning's digest."""
