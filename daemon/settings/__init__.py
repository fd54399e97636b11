"""avtald.toml: read, checked, and explained key by key (contract.md 1)."""
