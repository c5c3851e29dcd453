"""openEO process graphs on cubes, and batch jobs. Light: nothing here imports the extra `openeo`."""
