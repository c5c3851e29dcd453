"""What the service is told when it starts."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from s2kit.errors import UsageError
from s2kit.settings import Loaded

LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]", "::1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What one user, and one request, may take."""

    body_nbytes: int = 2_000_000
    """Bytes of a request's body."""
    answer_px: int = 4_000_000
    """Pixels of an answer that is made while the client waits."""
    answer_nbytes: int = 256_000_000
    """Bytes of the result of a graph whose answer is waited for."""
    sync_s: float = 60.0
    """Seconds that such an answer may take."""
    header_s: float = 10.0
    """Seconds in which a client has to send the head of its request."""
    chips: int = 24
    """New chips of one request for a series."""
    batch_chips: int = 36
    """New chips of one request for many products."""
    chip_side_m: float = 5120.0
    running_jobs: int = 2
    """Jobs of all users that run at the same time; the others wait."""
    queued_jobs: int = 20
    """Jobs of one user that wait or run."""
    job_s: float = 3600.0
    """Seconds that a job may take."""
    job_memory_bytes: int = 8_000_000_000
    """Memory of all processes of a job together."""
    job_px: int = 20_000_000_000
    """Values that the graph of a job may load."""
    sync_px: int = 500_000_000
    """Values that a graph may load whose answer is waited for."""
    nodes: int = 1000
    """Nodes of a process graph."""
    stored_nbytes: int = 20_000_000_000
    """Bytes of a user's results."""
    working: int = 4
    """Requests that work at the same time in one process; more wait for their turn."""
    kept_s: float = 86_400.0
    """Seconds for which the files of a finished request can be fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """All that the service needs; small and picklable, since worker processes are started with it."""

    loaded: Loaded
    """The settings that all work runs with."""
    state: Path
    """Folder of users, tokens, jobs and files that can be fetched."""
    folder: Path
    """Folder in which jobs run, whose settings count for them."""
    job_words: tuple[str, ...] = ()
    """Options that every job's command gets."""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    needs_login: bool = False
    """True if nobody gets in without a login, even if the last user is removed meanwhile."""
    insecure: bool = False
    """True lets everybody in who reaches the port, whatever address it is bound to."""
    root_path: str = ""
    """Path that a proxy puts in front."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the Host header may have besides those of the loopback."""
    forwarded_allow_ips: str = "127.0.0.1"
    """Addresses of proxies whose X-Forwarded headers count."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    audit: Path | None = None
    """File that gets a JSON line for each request."""
    cluster: str = ""
    """Scheduler that jobs are handed to; empty for this machine."""
    limits: ServiceLimits = field(default_factory=ServiceLimits)

    def __post_init__(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise UsageError("--tls-cert and --tls-key belong together", "give both, or none")
        if self.workers < 1:
            raise UsageError(f"--workers {self.workers}: at least one process has to serve", "leave it out for one")

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach the service."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """True for the names and addresses of this machine's loopback."""
    name = host.strip("[]")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def check_exposed(options: ServeOptions, users: int) -> None:
    """Refuse to serve the network without a login.

    Raises:
        UsageError: The address is not the loopback, there are no users, and `--insecure` was not given.
    """
    if options.is_loopback or options.insecure or users:
        return
    raise UsageError(
        f"--host {options.host} can be reached from other machines, and there are no users",
        "add one with: s2kit serve user add NAME, or give --insecure to let everybody in",
    )
