"""Areas of interest, parcels, dates, projections, vector files."""
