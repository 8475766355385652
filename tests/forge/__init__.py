"""A stand-in for a forge, in the shapes of the published API descriptions."""
