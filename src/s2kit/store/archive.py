"""Named archives: where products lie, who pays for reading, and how the objects are laid out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Layout(StrEnum):
    """How an archive arranges the files of a product."""

    SAFE = "safe"
    """Real SAFE folders, each below its date or tile."""
    AWS_S2 = "aws-s2"
    """Tile and product trees of the Sentinel-2 buckets on AWS."""
    AWS_S1 = "aws-s1"
    """Sentinel-1 trees with `productInfo.json` and its `filenameMap`."""
    GCP = "gcp"
    """SAFE folders below `tiles/ZONE/BAND/SQUARE/`, L2A below `L2/tiles/…`."""
    CDSE = "cdse"
    """SAFE folders below `Sentinel-2/MSI/LEVEL/YYYY/MM/DD/`."""
    COGS = "cogs"
    """Cloud-optimised GeoTIFFs, named by STAC items: Earth Search, Planetary Computer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One archive; small and picklable, so that workers open their own connection from it."""

    name: str
    """What `--archive` calls it."""
    address: str
    """`s3://bucket[/prefix]`, `gs://bucket`, `https://host/prefix` or a local folder."""
    layout: Layout = Layout.SAFE
    endpoint_url: str | None = None
    """S3 endpoint; None for AWS's own."""
    region: str | None = None
    requester_pays: bool = False
    """True where reading is billed to the reader."""
    anonymous: bool = False
    """True where requests are not signed."""
    profile: str | None = None
    """Name of the AWS profile that holds the keys; None for the default chain."""
    sas_endpoint: str | None = None
    """Address that hands out tokens (SAS) for an Azure container; None if none are needed."""
    max_connections: int = 8
    """Connections at one time, over all tasks of a run."""

    @property
    def is_free(self) -> bool:
        """True where reading costs nothing and needs no account."""
        return not self.requester_pays and (self.anonymous or "://" not in self.address)


ARCHIVES: Mapping[str, Archive] = MappingProxyType(
    {
        archive.name: archive
        for archive in (
            Archive(
                name="aws-l1c",
                address="s3://sentinel-s2-l1c",
                layout=Layout.AWS_S2,
                region="eu-central-1",
                requester_pays=True,
            ),
            Archive(
                name="aws-l2a",
                address="s3://sentinel-s2-l2a",
                layout=Layout.AWS_S2,
                region="eu-central-1",
                requester_pays=True,
            ),
            Archive(
                name="aws-s1",
                address="s3://sentinel-s1-l1c",
                layout=Layout.AWS_S1,
                region="eu-central-1",
                requester_pays=True,
            ),
            Archive(
                name="cdse",
                address="s3://eodata",
                layout=Layout.CDSE,
                endpoint_url="https://eodata.dataspace.copernicus.eu",
                region="default",
                profile="cdse",
                max_connections=4,
            ),
            Archive(
                name="gcp",
                address="gs://gcp-public-data-sentinel-2",
                layout=Layout.GCP,
                endpoint_url="https://storage.googleapis.com",
                region="auto",
                anonymous=True,
            ),
            Archive(
                name="cogs",
                address="s3://sentinel-cogs",
                layout=Layout.COGS,
                region="us-west-2",
                anonymous=True,
            ),
            Archive(
                name="usgs-landsat",
                address="s3://usgs-landsat",
                layout=Layout.COGS,
                region="us-west-2",
                requester_pays=True,
            ),
            Archive(
                name="pc",
                address="https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2",
                layout=Layout.COGS,
                anonymous=True,
                sas_endpoint="https://planetarycomputer.microsoft.com/api/sas/v1/token/sentinel2l2a01/sentinel2-l2",
            ),
            Archive(
                name="pc-landsat",
                address="https://landsateuwest.blob.core.windows.net/landsat-c2",
                layout=Layout.COGS,
                anonymous=True,
                sas_endpoint="https://planetarycomputer.microsoft.com/api/sas/v1/token/landsateuwest/landsat-c2",
            ),
        )
    }
)
"""The archives that s2kit knows without any settings (addresses as published by their keepers, 2026-11)."""
