"""What a run tries: steps, swaps and turns, places, slopes, linked and coarse moves."""
