"""The version of each schema: it grows by one whenever the schema changes. Pure, and light enough for every verb."""

from collections.abc import Mapping
from types import MappingProxyType

VERSIONS: Mapping[str, int] = MappingProxyType(
    {
        "bands": 1,
        "cache": 1,
        "chips": 1,
        "chips-list": 2,
        "chips-page": 1,
        "chips-raw": 1,
        "collection": 1,
        "collections": 1,
        "config": 1,
        "doctor": 1,
        "download": 1,
        "download-item": 1,
        "download-plan": 1,
        "download-record": 1,
        "info": 2,
        "jobs": 1,
        "jobs-logs": 1,
        "jobs-results": 1,
        "jobs-show": 1,
        "log-requests": 1,
        "parcels": 1,
        "parcels-lists": 1,
        "pixels": 1,
        "pixels-plan": 1,
        "pixels-stats": 1,
        "process": 1,
        "processes": 1,
        "render": 1,
        "schema": 1,
        "search": 2,
        "search-audit": 2,
        "search-stac": 1,
        "serve-users": 1,
        "stats": 1,
        "stats-clear": 1,
        "validate": 1,
        "verify": 2,
        "verify-files": 2,
    }
)
