"""Areas of interest from what a user named: files, folders, standard input, text."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s2kit.area.aoi import Aoi, clean, merged, with_unique_names
from s2kit.area.feature_files import read_features
from s2kit.area.projection import in_lon_lat


@dataclass(frozen=True, slots=True)
class AoiSet:
    """The areas of one or more sources, and what had to be done to them."""

    aois: tuple[Aoi, ...]
    notes: tuple[str, ...] = ()


def read_aois(sources: Iterable[str | Path], *, each_feature: bool = False) -> AoiSet:
    """The areas that a user named.

    Args:
        sources: Each a file (also `FILE|layername=NAME`), a folder of such files, `-` for standard input, or WKT or
            GeoJSON itself.
        each_feature: True makes every feature of a file an area of its own, under its own name;
            False makes one area of each file, under the file's name.

    Raises:
        NotFoundError: No such file, or a folder without any.
        InputError: A source that is empty, in no known format, or no place on Earth.
        ConfigError: A format whose library is not installed.
    """
    aois: list[Aoi] = []
    notes: list[str] = []
    for source in sources:
        for found in read_features(source):
            cleaned = [clean(geometry, found.label) for geometry in in_lon_lat(found.features, found.label)]
            notes += dict.fromkeys([*found.notes, *(note for result in cleaned for note in result.notes)])
            names = [feature.name for feature in found.features]
            if each_feature:
                aois += [
                    Aoi(name or _numbered(found.stem, at, len(names)), result.geometry)
                    for at, (name, result) in enumerate(zip(names, cleaned, strict=True))
                ]
            else:
                name = found.stem or names[0] or "aoi"
                aois.append(merged([Aoi(name, result.geometry) for result in cleaned], name))
    return AoiSet(with_unique_names(aois), tuple(notes))


def _numbered(stem: str, index: int, count: int) -> str:
    return (stem or "aoi") if count == 1 else f"{stem or 'aoi'}-{index + 1}"
