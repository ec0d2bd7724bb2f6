"""A run inside IMP, where this Python has it."""
