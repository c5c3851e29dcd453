"""s2kit: find, fetch, prove, render, cut and dump Sentinel-2 imagery."""

__version__ = "0.1.0"
