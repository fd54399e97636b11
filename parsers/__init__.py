"""Bytes in, values out: reads mail, knows nobody, could be published alone."""
