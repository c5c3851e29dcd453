"""Pixels on a grid, stretch, composites, indices, palettes, zonal numbers, picture and GeoTIFF writers."""
