"""Mail in and mail out: inbox, outbox and mailboxes."""
