"""The composition root: settings in, running parts out; the only folder that knows which vendor."""
