"""STAC, OData, DHuS, local folder: queries in, records out."""
