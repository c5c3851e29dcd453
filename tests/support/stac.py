"""STAC documents as pystac reads them, checked by STAC's own schemas without the network."""

import json
import warnings
from pathlib import Path

import pystac
from pystac.validation.local_validator import LocalValidator


def checked_item(path: Path) -> pystac.Item:
    """The item of a file, after STAC's schema found no fault."""
    check_document(json.loads(path.read_text()))
    return pystac.Item.from_file(str(path))


def check_document(document: dict[str, object]) -> None:
    """STAC's schema of items finds no fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pystac's own way to its schemas without the network
        errors = list(LocalValidator().item_validator("1.1.0").iter_errors(document))
    assert errors == []
