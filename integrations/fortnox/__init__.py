"""Fortnox: invoice drafts over its HTTP interface."""
