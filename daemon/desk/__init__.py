"""The acts of the helpdesk: one function, one transaction."""
