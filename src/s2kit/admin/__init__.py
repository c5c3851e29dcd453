"""Info, doctor and cache."""
