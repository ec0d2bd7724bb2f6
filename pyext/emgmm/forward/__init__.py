"""Forward models: from a structure to the mixture that the score compares with the data."""
