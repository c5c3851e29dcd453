"""An invented scene: land, sky, spectra, and the texts of the products that show it."""
