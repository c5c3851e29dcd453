"""Where bytes lie: folders, S3, HTTPS; ranges, transfers, checksums, named archives and what they cost."""
