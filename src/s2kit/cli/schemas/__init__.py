"""JSON Schemas of what the verbs print and of the files that they write beside their outputs."""
