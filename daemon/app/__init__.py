"""The composition root: settings in, running parts out. No other folder names a vendor."""
