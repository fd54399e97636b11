"""What the desk says on its own: warnings, bank notices, terms that end, the digest."""
