"""Proof, backup, retention and erasure of what the desk keeps (K1, K2)."""
