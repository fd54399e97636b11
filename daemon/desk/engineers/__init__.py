"""An engineer's answer carried out: tags, time, relay and receipt (C9-C14, D6, D8)."""
