"""What a run scores: density, connectivity, excluded volume, cross-links."""
