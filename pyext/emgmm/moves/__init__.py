"""What a run tries: steps, and further kinds of moves in one registry."""
