"""What the helpdesk does: one function, one transaction."""
