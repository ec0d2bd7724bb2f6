"""A run: from settings to an output folder, and the files in it."""
