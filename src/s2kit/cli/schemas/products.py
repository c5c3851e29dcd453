"""Schemas of what is known of products: search, info, download, verify. Pure."""

from s2kit.cli.schemas.model import Document, Listing
from s2kit.cli.schemas.parts import (
    Schema,
    anything,
    closed,
    exactly,
    flag,
    geometry,
    listed,
    mapped,
    matching,
    maybe,
    number,
    one_of,
    opened,
    percent,
    text,
    time,
    whole,
)
from s2kit.download.plan import Status
from s2kit.download.record import FileState
from s2kit.download.verdict import Verdict
from s2kit.product.name import Level

LEVEL = one_of(Level, "Processing level: L1C and L2A of Sentinel-2, L2SP and L2SR of Landsat.")
TILE = matching(r"^(\d{1,2}[A-Z]{3}|\d{6})$", "MGRS tile, such as 31TCJ; of Landsat path and row, such as 198030.")
BASELINE = matching(r"^\d\d\.\d\d$", "Processing baseline, such as 04.00.")
ORBIT = whole("Relative orbit.", 1)
CLOUD = percent("Cloud cover in percent.")
USD = number("Estimated cost in US dollars if the bytes leave the region of the archive.", 0)
USD_INSIDE = number("Estimated cost in US dollars inside the region of the archive.", 0)
PRICE_LIST = maybe(text("Date of the prices; null if nothing is billed."))
SECONDS = number("Seconds that it took.", 0)
FILES = listed(text("Path in the product."), "Paths of files in the product.")
STAMP = listed(whole("Bytes, then nanoseconds since 1970."), "Size and time of change.", low=2, high=2)

_PRODUCT: dict[str, Schema] = {
    "id": text("Name of the product without `.SAFE`; the id of the catalogue if no such name is known."),
    "datetime": time("Start of sensing."),
    "end_datetime": maybe(time("End of sensing of a longer stretch (Sentinel-1).")),
    "tile": maybe(TILE),
    "level": maybe(text("Processing level: L1C or L2A; other words for other missions.")),
    "constellation": text("sentinel-2, sentinel-1, landsat …"),
    "platform": maybe(text("Satellite, such as sentinel-2a or landsat-9.")),
    "eo:cloud_cover": maybe(CLOUD),
    "grid:code": maybe(text("The tile as STAC writes it, such as MGRS-31TCJ or WRS2-198030.")),
    "processing:level": maybe(text("The same as `level`.")),
    "processing:version": maybe(text("Processing baseline, such as 04.00.")),
    "processing:datetime": maybe(text("When the product was made, ISO 8601.")),
    "sat:relative_orbit": maybe(ORBIT),
    "product:type": maybe(text("S2MSI2A, S2MSI1C, GRD, SLC …")),
    "sar:instrument_mode": maybe(text("IW, EW … of Sentinel-1.")),
    "sar:polarizations": maybe(listed(text("VV, VH, HH or HV."), "Channels of Sentinel-1.")),
    "s2:product_uri": maybe(text("Name of the SAFE folder.")),
    "s2:mgrs_tile": maybe(TILE),
    "s2:datatake_start": maybe(time("Start of the datatake, to the second.")),
    "s2:datastrip_id": maybe(text("Identifier of the datastrip.")),
    "file:size": maybe(whole("Size of the product's zip in bytes.")),
    "file:checksum": maybe(matching(r"^[0-9a-f]+$", "Checksum of the product's zip, a multihash in hexadecimal.")),
    "s2kit:locations": mapped(text("Address or path."), "Where archives have the product, by the name of the archive."),
    "s2kit:quicklook": maybe(text("Address or path of a small picture that needs no account.")),
    "s2kit:catalogue": text("Name of the catalogue that answered."),
    "s2kit:catalogue_datetime": maybe(time("The catalogue's own time, which its filters go by.")),
    "s2kit:item": maybe(text("The catalogue's own id.")),
    "s2kit:collection": maybe(text("Collection of the STAC API.")),
    "s2kit:aoi": maybe(text("Name of the area that the product answers.")),
    "s2kit:range": maybe(text("Dates that the product answers.")),
    "s2kit:coverage_pct": maybe(percent("Share of the area that the footprint covers, in percent.")),
    "geometry": maybe(geometry("Footprint.")),
}

_ERROR = closed(
    {
        "message": text("What failed."),
        "hint": maybe(text("How to mend it.")),
        "exit_code": whole("Exit code that the error stands for."),
    }
)
_COUNT = maybe(whole("Products that the catalogue has for it; null if the search stopped before it knew."))
_TALLY = closed(
    {
        "aoi": maybe(text("Name of the area.")),
        "range": maybe(text("Dates, both included.")),
        "matched": _COUNT,
        "returned": whole("Products that were listed."),
        "truncated": flag("True if --limit held some back."),
        "complete": flag("False if a catalogue failed, so that products may be missing."),
    }
)

SEARCH = Listing(
    name="search",
    about="Products that `s2kit search` found.",
    properties=_PRODUCT,
    extra={
        "matched": _COUNT,
        "returned": whole("Products that were listed."),
        "truncated": flag("True if --limit held some back."),
        "complete": flag("False if a catalogue failed, so that products may be missing."),
        "searches": listed(_TALLY, "One entry for each area and range of dates."),
        "errors": listed(_ERROR, "What catalogues failed with."),
    },
)

_NAMES = listed(text("Name of a catalogue."), "Names of catalogues.")

AUDIT = Listing(
    name="search-audit",
    about="Scenes in several catalogues, by `s2kit search --audit`.",
    command="search",
    properties={
        "id": text("Name of the newest product of the scene."),
        "datetime": time("Start of sensing."),
        "tile": maybe(TILE),
        "level": maybe(text("Processing level.")),
        "newest": maybe(text("Newest processing baseline.")),
        "has": _NAMES | {"description": "Catalogues that have the scene or a piece of it."},
        "lacks": _NAMES | {"description": "Catalogues that lack it or one of its pieces."},
        "behind": _NAMES | {"description": "Catalogues that have it at an older baseline only."},
        "failed": _NAMES | {"description": "Catalogues that did not answer."},
        "baselines": mapped(listed(text("Baseline."), "Baselines, ascending."), "Baselines by catalogue."),
        "pieces": whole("Pieces of the datatake over this tile; 1 unless it was split.", 1),
        "footprints_differ": flag("True if the catalogues give footprints that differ by more than 5 percent."),
        "geometry": maybe(geometry("Footprint of all pieces.")),
    },
)

_ASSET = opened({"href": text("Address or path.")}, "A file of the item.", required=["href"])

STAC = Document(
    name="search-stac",
    about="A STAC 1.1 ItemCollection, by `s2kit search -f stac`; the STAC specification describes all of it.",
    form="stac",
    body=opened(
        {
            "type": exactly("FeatureCollection"),
            "features": listed(
                opened(
                    {
                        "type": exactly("Feature"),
                        "stac_version": exactly("1.1.0"),
                        "id": text("Name of the product."),
                        "geometry": maybe(geometry("Footprint.")),
                        "properties": opened({}, "Facts under the names of STAC and of its extensions."),
                        "assets": mapped(_ASSET, "Files by their keys."),
                        "links": listed(anything("A link."), "None."),
                    },
                    "A STAC item.",
                    required=["type", "stac_version", "id", "geometry", "properties", "assets", "links"],
                ),
                "Items, each product once.",
            ),
        },
        "",
        required=["type", "features"],
    ),
)

_IMAGES = mapped(listed(text("Band or layer."), "Bands and layers."), "Bands and layers by resolution in metres.")

INFO = Listing(
    name="info",
    about="What `s2kit info` knows of a product.",
    properties={
        "id": text("Name of the product without `.SAFE`."),
        "address": text("Folder, zip or address of the product."),
        "processing:level": LEVEL,
        "processing:version": text("Processing baseline, such as 04.00; of Landsat its collection, 02.00."),
        "platform": maybe(text("Satellite, such as sentinel-2a or landsat-9.")),
        "datetime": maybe(time("Start of sensing.")),
        "tile": maybe(TILE),
        "level": LEVEL,
        "s2:tile_times": listed(maybe(time("Time of a granule.")), "When the granules were seen."),
        "s2:generation_time": maybe(time("When the product was made.")),
        "s2:datatake_id": maybe(text("Identifier of the datatake.")),
        "sat:relative_orbit": maybe(ORBIT),
        "sat:orbit_state": maybe(text("ascending or descending.")),
        "s2:mgrs_tile": maybe(TILE),
        "s2kit:tiles": listed(TILE, "All tiles of the product."),
        "proj:epsg": maybe(whole("EPSG code of the grids; null if they differ or are not known.")),
        "proj:bbox": maybe(listed(number("Metres."), "West, south, east, north in that CRS.", low=4, high=4)),
        "eo:cloud_cover": maybe(CLOUD),
        "s2kit:images": _IMAGES,
        "s2kit:quantification": mapped(
            number("Divisor."), "What digital numbers are divided by: reflectance, AOT, WVP."
        ),
        "s2kit:offsets": mapped(number("Offset."), "What is added to digital numbers before the division, by band."),
        "s2kit:offset_source": text("Where the offset is from."),
        "s2kit:nodata": whole("Digital number of pixels without data."),
        "s2kit:saturated": maybe(whole("Digital number of saturated pixels.")),
        "file:size": whole("Bytes of all its files."),
        "s2kit:manifest": one_of(("present", "doubtful", "absent"), "Whether there is a manifest to check it against."),
        "s2kit:listed_files": maybe(whole("Files that the manifest lists.")),
        "s2kit:missing": FILES | {"description": "Files that the manifest lists and that are not there."},
        "s2kit:missing_size": whole("Bytes of the missing files."),
        "s2kit:wrong_size": FILES | {"description": "Files of another size than the manifest lists."},
        "geometry": maybe(geometry("Footprint.")),
    },
)

_FILE: dict[str, Schema] = {
    "product": text("Name of the product."),
    "path": text("Path of the file in the product."),
    "state": one_of(FileState, "The state of the file."),
    "nbytes": whole("Size in bytes."),
    "moved": whole("Bytes that were transferred."),
    "seconds": SECONDS,
    "proof": text("How its bytes were proven; empty if they were not."),
    "message": text("Details; empty if there are none."),
}
_DOWNLOADED: dict[str, Schema] = {
    "product": text("Name of the product."),
    "status": one_of(Status, "The state of the product."),
    "path": maybe(text("Folder, zip or address that was written.")),
    "archive": text("Archive that it came from."),
    "verified": whole("Files whose checksum is that of the manifest."),
    "unlisted": whole("Files that no manifest lists."),
    "absent": FILES | {"description": "Files that the manifest lists and the archive does not have."},
    "skipped": whole("Files that were not asked for."),
    "failed": FILES | {"description": "Files that could not be fetched, or are wrong."},
    "moved": whole("Bytes that were transferred."),
    "seconds": SECONDS,
    "error": maybe(text("Why the product failed.")),
}

DOWNLOAD = Listing(
    name="download",
    about="What became of each product of `s2kit download`; as JSON lines, of each file and then of the product.",
    properties={**_DOWNLOADED, "files": listed(closed(_FILE), "All files.")},
    optional=("files",),
    line={
        "anyOf": [
            closed(_FILE, "A file."),
            closed(
                {
                    **_DOWNLOADED,
                    "path": {"type": "null", "description": "Null: the line is of no file."},
                    "place": maybe(text("Folder, zip or address that was written.")),
                    "state": one_of(Status, "The same as `status`."),
                },
                "The product, after its files.",
            ),
        ]
    },
)

DOWNLOAD_PLAN = Listing(
    name="download-plan",
    about="What `s2kit download --dry-run` would transfer.",
    command="download",
    properties={
        "product": text("Name of the product."),
        "archive": text("Archive; empty if the product is there already."),
        "files": whole("Files to transfer."),
        "nbytes": whole("Bytes to transfer."),
        "there": whole("Files that are there already."),
        "requests": whole("Requests to the archive."),
        "usd": USD,
        "usd_in_region": USD_INSIDE,
        "price_list": PRICE_LIST,
        "absent": FILES | {"description": "Files that the manifest lists and the archive does not have."},
        "failed": FILES | {"description": "Files of the archive that are wrong."},
        "path": maybe(text("Where the product is, or would be.")),
    },
    optional=("there", "requests", "usd", "usd_in_region", "price_list", "absent", "failed", "path"),
)

_WORDS = listed(text("Band or glob."), "As they were given; empty for all.")

DOWNLOAD_RECORD = Document(
    name="download-record",
    about="The file `NAME.SAFE.s2kit.json` that `s2kit download` writes beside a product.",
    body=closed(
        {
            "schema": exactly(1) | {"description": "Version of the record."},
            "product": text("Name of the product."),
            "source": closed(
                {"archive": text("Name of the archive."), "address": text("Address of the product in it.")},
                "Where the product came from.",
            ),
            "time": text("When the product was completed, ISO 8601, UTC."),
            "s2kit": text("Version of s2kit."),
            "subset": closed({"bands": _WORDS, "include": _WORDS, "exclude": _WORDS}, "What was asked for."),
            "absent_at_source": FILES | {"description": "Files that the manifest lists and the archive does not have."},
            "skipped": FILES | {"description": "Files that were not asked for."},
            "unlisted": FILES | {"description": "Files that no manifest lists."},
            "etags": mapped(text("ETag."), "ETags of the objects by path, if the destination is a bucket."),
            "manifest": maybe(
                closed(
                    {
                        "sha256": matching("^[0-9a-f]{64}$", "SHA-256 of manifest.safe."),
                        "witness": text("How its bytes were proven."),
                        "confirmed_by": maybe(text("Catalogue that lists the same checksum.")),
                    },
                    "What is known of manifest.safe.",
                )
            ),
            "zip": maybe(STAMP),
            "files": mapped(STAMP, "Proven files of the product by path."),
        }
    ),
)

DOWNLOAD_ITEM = Document(
    name="download-item",
    about="The file that `s2kit download` writes beside the files of a STAC item of another collection.",
    body=closed(
        {
            "item": text("Address of the item."),
            "s2kit": text("Version of s2kit."),
            "files": mapped(
                closed(
                    {
                        "source": text("Address of the file."),
                        "proof": text("How its bytes were proven."),
                        "stamp": maybe(STAMP),
                        "etag": maybe(text("ETag of the object.")),
                        "checksum": maybe(text("Checksum of the item.")),
                    }
                ),
                "Files by path.",
            ),
        }
    ),
)

_VERDICT: dict[str, Schema] = {
    "product": text("Name of the product."),
    "path": text("Path of the file in the product."),
    "state": one_of(Verdict, "The state of the file."),
    "nbytes": whole("Size in bytes."),
    "message": text("Details; empty if there are none."),
}

VERIFY = Listing(
    name="verify",
    about="What `s2kit verify` found of each product; as JSON lines, of each file.",
    line=closed(_VERDICT),
    properties={
        "path": text("Folder or zip."),
        "product": text("Name of the product; empty if it is not known."),
        "ok": flag("True if no file is missing or wrong."),
        **{str(kind): whole(f"Files that are {kind}.") for kind in Verdict},
        "bad": FILES | {"description": "Files that make the product fail."},
        "error": maybe(text("Why the product fails.")),
    },
)

VERIFY_FILES = Listing(
    name="verify-files",
    about="What `s2kit verify --files` found of each file.",
    command="verify",
    properties=_VERDICT,
)

OUTPUTS = (SEARCH, AUDIT, STAC, INFO, DOWNLOAD, DOWNLOAD_PLAN, DOWNLOAD_RECORD, DOWNLOAD_ITEM, VERIFY, VERIFY_FILES)
