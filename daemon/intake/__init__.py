"""The doors that mail comes in by; they only fill the inbox."""
