"""Side effects, each module wrapping one outside library behind typed functions."""
