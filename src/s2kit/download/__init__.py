"""Proven products at a destination: `download` does what a `DownloadRequest` asks, `plan_downloads` only says it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from s2kit.download.plan import Plan, ProductResult, Status
    from s2kit.download.request import DownloadOptions, DownloadRequest
    from s2kit.download.run import download, plan_downloads
else:
    from s2kit.run.faces import lazy_face

    __getattr__ = lazy_face(
        __name__,
        {
            "s2kit.download.plan": ("Plan", "ProductResult", "Status"),
            "s2kit.download.request": ("DownloadOptions", "DownloadRequest"),
            "s2kit.download.run": ("download", "plan_downloads"),
        },
    )

__all__ = ["DownloadOptions", "DownloadRequest", "Plan", "ProductResult", "Status", "download", "plan_downloads"]
