"""Records of ESA's STAC catalogue of EOPF samples: where the Zarr group is."""

from s2kit.archive.find import whereabouts
from s2kit.catalogue.record_sources import from_stac
from s2kit.product.ref import ProductRef
from s2kit.settings import Settings

NAME = "S2B_MSIL2A_20250415T142749_N0511_R139_T25WEV_20250415T181516"
ADDRESS = f"https://objects.eodc.eu/e05ab01a9d56408d82ac32d69a5aae2a:202504-s02msil2a/15/products/cpm_v256/{NAME}.zarr"
ITEM = {
    "id": NAME,
    "collection": "sentinel-2-l2a",
    "geometry": {"type": "Polygon", "coordinates": [[[-34, 70], [-31, 70], [-31, 71], [-34, 71], [-34, 70]]]},
    "properties": {"datetime": "2025-04-15T14:27:49Z", "platform": "sentinel-2b", "eo:cloud_cover": 12.5},
    "assets": {
        "product": {"href": ADDRESS, "type": "application/vnd+zarr"},
        "SR_10m": {"href": f"{ADDRESS}/measurements/reflectance/r10m"},
    },
}


def test_the_record_says_where_the_group_is():
    record = from_stac(ITEM, "eopf")
    assert (record.id, record.tile, record.level, record.baseline) == (NAME, "25WEV", "L2A", "05.11")
    assert record.locations == {"eopf": ADDRESS}
    ref = ProductRef(NAME, {"s2kit:locations": dict(record.locations)})
    assert whereabouts(ref, Settings()).text == ADDRESS
    assert whereabouts(ref, Settings(archive="gcp")).text == NAME
