"""What a command or a page shows, as records; the words for states stand here once."""
