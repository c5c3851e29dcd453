"""Schemas of pictures and pixels: render, chips, pixels. Pure."""

from s2kit.chips.places import PLACES_KEY
from s2kit.cli.schemas.model import Document, Listing
from s2kit.cli.schemas.parts import (
    Schema,
    closed,
    exactly,
    flag,
    geometry,
    listed,
    mapped,
    maybe,
    number,
    one_of,
    percent,
    text,
    time,
    whole,
)
from s2kit.cli.schemas.products import PRICE_LIST, TILE, USD, USD_INSIDE
from s2kit.pixels.dump import PERCENTILES, LegacyError
from s2kit.render.outcome import OutputState

CLOUD_HERE = maybe(percent("Share of cloud, cirrus and their shadows by SCL, in percent; null without SCL."))
SCL_COUNTS = mapped(whole("Pixels."), "Pixels by SCL class; class 0 (no data) is left out.", keys=r"^\d+$")

RENDER = Listing(
    name="render",
    about="Outputs of `s2kit render --list FORMAT`, or what --dry-run plans.",
    properties={
        "id": text("Path of the output; empty if it failed."),
        "product": text("Name of the product; empty if the output shows several."),
        "subject": text("Bands, index or recipe that is shown."),
        "state": one_of(OutputState, "The state of the output."),
        "path": maybe(text("Path of the output.")),
        "resolution_m": maybe(number("Side of a pixel in metres.", 0)),
        "width": maybe(whole("Pixels.")),
        "height": maybe(whole("Pixels.")),
        "nbytes": maybe(whole("Bytes of the output; with --dry-run, of the images that are read at most.")),
        "limits": mapped(text("Low and high."), "Limits of the stretch by band."),
        "error": maybe(text("Why the output failed.")),
    },
)

_CHIP: dict[str, Schema] = {
    "id": text("Name of the product."),
    "datetime": time("Start of sensing."),
    "level": text("Processing level."),
    "tile": text("MGRS tile, or path and row of Landsat."),
    "baseline": text("Processing baseline."),
    "files": listed(text("Path."), "Pictures or GeoTIFFs of the chip."),
    "bands": listed(text("Band."), "The band of each file of a raw chip."),
    "epsg": whole("EPSG code of the grid."),
    "transform": listed(number("Coefficient."), "Affine transform of the first file: a b c d e f.", low=6, high=6),
    "size_px": whole("Side in pixels.", 1),
    "valid_pct": percent("Share of the pixels with data, in percent."),
    "cloud_pct": CLOUD_HERE,
    "scl": maybe(SCL_COUNTS),
    "companions": listed(text("Name of a product."), "Products of the same datatake that complete the chip."),
    "limits": listed(
        listed(number("Reflectance x 10000."), "Low and high.", low=2, high=2), "Limits of the stretch by band."
    ),
    "offset_source": text("Where the radiometric offset is from."),
    "geometry": geometry("Outline of the chip."),
    "notes": listed(text("Note."), "What is unusual about the chip."),
}

CHIPS = Listing(
    name="chips",
    about="Chips that `s2kit chips -f FORMAT` cut or found in its cache.",
    properties={**_CHIP, "place": text("Name of the place."), "outline": geometry("Outline of the parcel.")},
    optional=("outline",),
)

CHIPS_LIST = Listing(
    name="chips-list",
    about="Chips that `s2kit chips --list` or `--dry-run` would cut.",
    command="chips",
    properties={
        "id": text("Name of the product."),
        "datetime": time("Start of sensing."),
        "level": text("Processing level."),
        "tile": maybe(TILE),
        "baseline": text("Processing baseline."),
        "overlap_pct": percent("Share of the chip that the footprint covers, in percent."),
        "cloud_pct": maybe(percent("Cloud cover of the product in percent.")),
        "completed_by": listed(text("Name of a product."), "Products of the same datatake that complete the chip."),
        "state": one_of(("new", "cached"), "Whether the chip is in the cache."),
        "place": text("Name of the place."),
        "geometry": geometry("The place."),
    },
)

CHIPS_RAW = Document(
    name="chips-raw",
    about="What `s2kit chips --raw` prints, as the legacy chip service answered: parallel lists.",
    body=closed(
        {
            "dates": listed(text("YYYYMMDDTHHMMSS, with _BAND if there are several."), "Times of the chips, UTC."),
            "chips": listed(text("Path."), "Their GeoTIFFs."),
        }
    ),
)

_RECIPE = closed(
    {
        "lon": number("Longitude of the centre in degrees.", -180, 180),
        "lat": number("Latitude of the centre in degrees.", -90, 90),
        "side_m": maybe(number("Side in metres that the place sets.", 0)),
        "bands": listed(text("Band."), "Bands, in the order of the colours."),
        "metres": maybe(number("Side in metres.", 0)),
        "px": maybe(whole("Side in pixels of the first band.", 1)),
        "stretch": maybe(text("How values become grey levels; null if they are not stretched.")),
        "res": maybe(whole("Resolution in metres; null for that of the first band.")),
        "index": maybe(text("Index that is drawn, as its name or `name=formula`.")),
        "raw": flag("True for GeoTIFFs of digital numbers."),
        "resampling": text("For bands of other sizes."),
        "boa_offset": text("How the radiometric offset of GeoTIFFs is found."),
        "version": whole("Version of the way chips are made."),
        "mask": text("Scene classes that were made no data."),
    },
    optional=("mask",),
)
_PAGE_CHIP = {key: one for key, one in _CHIP.items() if key not in {"geometry", "id"}}

CHIPS_PAGE = Document(
    name="chips-page",
    about="The file `chips.geojson` that `s2kit chips` writes beside its pictures: the data of its page.",
    form="geojson",
    body=closed(
        {
            "type": exactly("FeatureCollection"),
            "features": listed(
                closed(
                    {
                        "type": exactly("Feature"),
                        "id": text("Name of the product."),
                        "geometry": _CHIP["geometry"],
                        "properties": closed(
                            {
                                "product": text("Name of the product."),
                                "place": text("Name of the place."),
                                **_PAGE_CHIP,
                            },
                            "Facts of the chip.",
                        ),
                    }
                ),
                "One feature a chip; paths are relative to the folder.",
            ),
            "s2kit:recipes": listed(_RECIPE, "How the chips were made, one entry a place."),
        }
    ),
)

_FACTS: dict[str, Schema] = {
    "path": text("The source, as it was named."),
    "band": maybe(text("Band or layer.")),
    "crs": maybe({"type": "string", "pattern": r"^EPSG:\d+$", "description": "CRS of the image."}),
    "transform": maybe(
        listed(number("Coefficient."), "GDAL geotransform: west, width, 0, north, 0, -height.", low=6, high=6)
    ),
    "nodata": {"type": ["number", "string"], "description": "Value of pixels without data; the text nan for NaN."},
    "rlevel": whole("Reduction: 0 is full resolution."),
    "window": maybe(listed(whole("Pixels."), "Column, row, width, height at full resolution.", low=4, high=4)),
    "bytes_read": whole("Bytes that were read."),
    "requests": whole("Requests that were made."),
}
_SHAPE = listed(whole("Pixels."), "Rows and columns.", low=2, high=2)
_ONE = {"type": ["number", "null"]}
_FAILED = closed(
    {"path": text("The source."), "Error": one_of(LegacyError, "What failed.")}, "A failure.", optional=("path",)
)
_ANSWER = closed(
    {
        "img_data": listed(
            listed({"anyOf": [_ONE, {"type": "array", "items": _ONE}]}, "A row of pixels."),
            "Digital numbers, [row][col]; a list for each pixel if the image has several components; NaN is null.",
        ),
        "shape": _SHAPE,
        "time_download": number("Seconds of waiting for bytes.", 0),
        "time_processing": number("Seconds of all else.", 0),
        **_FACTS,
    },
    optional=tuple(_FACTS),
)
_ONE_IMAGE: Schema = {"anyOf": [_ANSWER, _FAILED]}
_COMPONENT: dict[str, Schema] = {
    "min": maybe(number("Smallest value.")),
    "max": maybe(number("Largest value.")),
    "mean": maybe(number("Mean.")),
    "std": maybe(number("Standard deviation of the population.", 0)),
    "percentiles": mapped(
        number("Value."), f"Values at the percentiles {', '.join(map(str, PERCENTILES))}; empty without data."
    ),
    "nodata_pct": percent("Share of pixels without data, in percent."),
    "histogram": closed(
        {
            "edges": listed(number("Value."), "Edges of the bins, ascending."),
            "counts": listed(whole("Pixels."), "Pixels between two edges."),
        },
        "How often values occur.",
    ),
}
_STATISTICS = {
    "anyOf": [
        closed({"shape": _SHAPE, **_COMPONENT, **_FACTS}, "An image of one component.", optional=tuple(_FACTS)),
        closed(
            {"shape": _SHAPE, "components": listed(closed(_COMPONENT), "One entry a component."), **_FACTS},
            "An image of several components.",
            optional=tuple(_FACTS),
        ),
        _FAILED,
    ]
}

PIXELS = Document(
    name="pixels",
    about="Digital numbers of an image, by `s2kit pixels`; of many images a list, or one a line with `-f jsonl`.",
    body={"anyOf": [_ANSWER, _FAILED, listed(_ONE_IMAGE, "One entry an image, if there are several.")]},
    more={"jsonl": _ONE_IMAGE},
)

PIXELS_STATS = Document(
    name="pixels-stats",
    about="Statistics of an image, by `s2kit pixels -f stats`; no data and NaN are left out.",
    form="stats",
    body=_STATISTICS,
)

PIXELS_PLAN = Listing(
    name="pixels-plan",
    about="What `s2kit pixels --dry-run` would read.",
    command="pixels",
    properties={
        "source": text("The source."),
        "rows": whole("Rows of the answer."),
        "cols": whole("Columns of the answer."),
        "nbytes": whole("Bytes that would be read, about."),
        "requests": whole("Requests to the archive, about."),
        "usd": USD,
        "usd_in_region": USD_INSIDE,
        "price_list": PRICE_LIST,
        "answer_nbytes": whole("Bytes of the answer, about."),
        "remark": text("What is unusual about it; empty if nothing is."),
    },
)

PLACES = {
    PLACES_KEY: listed(
        closed(
            {
                "name": text("Name, fit for a file."),
                "title": text("Name."),
                "lon": number("Longitude in degrees.", -180, 180),
                "lat": number("Latitude in degrees.", -90, 90),
                "side_m": maybe(number("Side of a chip in metres.", 0)),
                "outline": maybe(geometry("Outline.")),
            }
        ),
        "Parcels, for a verb that reads the records.",
    )
}

OUTPUTS = (RENDER, CHIPS, CHIPS_LIST, CHIPS_RAW, CHIPS_PAGE, PIXELS, PIXELS_STATS, PIXELS_PLAN)
