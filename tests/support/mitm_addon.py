"""Faults for mitmproxy in reverse mode; run by `mitmdump -s`, in mitmproxy's own environment (see `proxies.py`)."""

import asyncio
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from mitmproxy import http  # of the environment that runs this file, not of the tests

RULES = json.loads(os.environ["FAULT_RULES"])
LOG = Path(os.environ["FAULT_LOG"])
REFUSALS = {"status": (503, "SlowDown"), "skew": (403, "RequestTimeTooSkewed"), "denied": (403, "AccessDenied")}
seen: Counter[tuple[int, str]] = Counter()


def chosen(request: Any) -> str | None:
    path = request.path.partition("?")[0]
    if request.method != "GET" or "list-type" in request.path or path.count("/") < 2:
        return None
    for number, rule in enumerate(RULES):
        if rule.get("path", "") in path:
            seen[number, path] += 1
            if seen[number, path] <= rule.get("times", 1):
                return str(rule["fault"])
    return None


def request(flow: http.HTTPFlow) -> None:
    flow.metadata["range"] = flow.request.headers.get("Range")
    fault = flow.metadata["fault"] = chosen(flow.request)
    if fault in REFUSALS:
        status, code = REFUSALS[fault]
        flow.response = http.Response.make(status, f"<Error><Code>{code}</Code></Error>")
    elif fault == "ignore_range":
        flow.request.headers.pop("Range", None)


async def response(flow: http.HTTPFlow) -> None:
    fault, body = flow.metadata.get("fault"), flow.response.raw_content or b""
    if fault == "reset":
        flow.kill()
    elif fault == "slow":
        await asyncio.sleep(1)
    elif fault == "flip" and body:
        at = len(body) // 2
        flow.response.raw_content = body[:at] + bytes([body[at] ^ 0x20]) + body[at + 1 :]
    entry = {
        "method": flow.request.method,
        "path": flow.request.path,
        "range": flow.metadata.get("range"),
        "status": flow.response.status_code,
        "sent": 0 if fault == "reset" or flow.request.method == "HEAD" else len(body),
    }
    with LOG.open("a") as log:
        log.write(json.dumps(entry) + "\n")
