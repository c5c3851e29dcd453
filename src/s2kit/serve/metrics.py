"""Counts of one process and of the jobs in the store, in Prometheus' text format (exposition format 0.0.4)."""

import time
from collections.abc import Iterator, Mapping

from s2kit.serve.guard import RequestCounts


def exposition(counts: RequestCounts, jobs: Mapping[str, int]) -> str:
    """The counts as text.

    Args:
        counts: Of the requests of this process.
        jobs: How many jobs of the store are in each state.
    """
    with counts.lock:
        return "".join(f"{line}\n" for line in (*_lines(counts), *_job_lines(jobs)))


def _lines(counts: RequestCounts) -> Iterator[str]:
    yield "# HELP s2kit_requests_total Requests by route, method and status."
    yield "# TYPE s2kit_requests_total counter"
    for (route, method, status), number in sorted(counts.requests.items()):
        yield f's2kit_requests_total{{route="{_quoted(route)}",method="{_quoted(method)}",status="{status}"}} {number}'
    yield "# HELP s2kit_request_seconds_total Seconds that requests took, by route."
    yield "# TYPE s2kit_request_seconds_total counter"
    for route, seconds in sorted(counts.seconds.items()):
        yield f's2kit_request_seconds_total{{route="{_quoted(route)}"}} {seconds:.6f}'
    yield "# HELP s2kit_sent_bytes_total Bytes of answers."
    yield "# TYPE s2kit_sent_bytes_total counter"
    yield f"s2kit_sent_bytes_total {counts.sent_nbytes}"
    yield "# HELP s2kit_uptime_seconds Seconds since this process began."
    yield "# TYPE s2kit_uptime_seconds gauge"
    yield f"s2kit_uptime_seconds {time.time() - counts.started:.1f}"


def _job_lines(jobs: Mapping[str, int]) -> Iterator[str]:
    yield "# HELP s2kit_jobs Jobs in the store by state."
    yield "# TYPE s2kit_jobs gauge"
    for state, number in sorted(jobs.items()):
        yield f's2kit_jobs{{state="{_quoted(state)}"}} {number}'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
