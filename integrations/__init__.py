"""Other people's systems; each knows only the domain."""
