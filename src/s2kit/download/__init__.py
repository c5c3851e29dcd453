"""Proven products at a destination: `download` does what a `DownloadRequest` asks, `plan_downloads` only says it."""

from s2kit.download.plan import DownloadRequest, Plan, ProductResult, Status
from s2kit.download.run import download, plan_downloads

__all__ = ["DownloadRequest", "Plan", "ProductResult", "Status", "download", "plan_downloads"]
