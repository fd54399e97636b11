"""Accounting without a system: drafts as files."""
