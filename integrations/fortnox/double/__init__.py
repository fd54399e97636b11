"""A Fortnox of our own for tests and the demo, with the properties of facts.md 9."""
