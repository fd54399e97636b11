"""The work log and the time bank (G1-G5)."""
