"""The invented scene and the tour through every verb."""
