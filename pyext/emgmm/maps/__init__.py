"""Maps of structures and mixtures, contour levels and dust."""
