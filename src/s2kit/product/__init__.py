"""What a product is: names, tiles, bands, metadata, manifest, SAFE folder, zip or bucket."""
