"""The HTTP service: the verbs for the clients of the five older systems, openEO, tiles and a page for people.

Needs the extra `serve`; nothing here is imported before `s2kit serve` runs.
"""
