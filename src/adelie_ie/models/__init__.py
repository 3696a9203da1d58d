"""Models: where they come from, how conversations become tokens, and how they generate."""
