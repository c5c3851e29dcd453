"""JPEG 2000: codestream, packets, windows, tile index, OpenJPEG."""
