"""The demonstration: a complete desk on this machine, and a month played through it."""
