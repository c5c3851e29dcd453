"""Proven products at a destination: `download` does what a `DownloadRequest` asks, `plan_downloads` only says it."""

from s2kit.download.plan import Plan, ProductResult, Status
from s2kit.download.request import DownloadOptions, DownloadRequest
from s2kit.download.run import download, plan_downloads

__all__ = ["DownloadOptions", "DownloadRequest", "Plan", "ProductResult", "Status", "download", "plan_downloads"]
