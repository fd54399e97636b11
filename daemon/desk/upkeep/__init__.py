"""The desk looks after itself: check, canary, retention, backups, verify."""
