"""Catalogues: one module a service, all of them giving pages of the same records."""
