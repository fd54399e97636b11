"""The doors for incoming mail; they only fill the inbox."""
