"""One door to the pixels of any image, near or remote."""
