"""Generated configuration, taken by the real program that it is for."""
