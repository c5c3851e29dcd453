"""`POST /api/jp2`: the JPEG 2000 web service (seed of the verb `pixels`), answers and all.

Every answer has status 200; what failed is one of four texts under `Error`, with the reason behind it.
"""

from fastapi import APIRouter

router = APIRouter(tags=["JPEG 2000"])
