"""What every test may use: the shared data by name, and the rule that no test is skipped unseen."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from support import schemas
from support.s3 import moto_url, s3_server  # noqa: F401

if TYPE_CHECKING:
    from s2kit.demo.series import Scene

PROJECT = Path(__file__).resolve().parents[1]
SHARED_DATA = PROJECT.parent / "shared" / "data"
SKIP_PREFIX = "shared data is not here: "
POSTGIS_SKIP_PREFIX = "PostgreSQL with PostGIS is not here: "
NAMESPACE_SKIP_PREFIX = "network namespaces are not allowed here: "
NODE_SKIP_PREFIX = "node with @openeo/js-client is not here: "


# how fast an example is made and runs says more about the machine than about the code
settings.register_profile("s2kit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("s2kit")

schemas.watch()  # every JSON that s2kit prints in a test is held against its schema

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a run in the background ignores Ctrl-C, and its children too
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real products; a test that needs it is skipped by name where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"{SKIP_PREFIX}{SHARED_DATA.name}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def postgis_skip() -> str:
    """How the reason begins where a test that needs a PostgreSQL with PostGIS is skipped."""
    return POSTGIS_SKIP_PREFIX


@pytest.fixture(scope="session")
def namespace_skip() -> str:
    """How the reason begins if a test that needs network namespaces is skipped."""
    return NAMESPACE_SKIP_PREFIX


@pytest.fixture(scope="session")
def node_skip() -> str:
    """How the reason begins if the test of the openEO JavaScript client is skipped."""
    return NODE_SKIP_PREFIX


@pytest.fixture(scope="session")
def real_l2a(shared_data: Path) -> Path:
    """The real L2A product: 75 of its 94 files, all R60m bands, SCL at 20 m and 60 m, AOT at 10 m."""
    return shared_data / "safe" / "S2A_MSIL2A_20221005T115411_N0400_R023_T29UNU_20221005T164454.SAFE"


@pytest.fixture(scope="session")
def real_l1c(shared_data: Path) -> Path:
    """The real L1C product: its metadata and B01."""
    return shared_data / "safe" / "S2A_MSIL1C_20180101T105441_N0206_R051_T31TDH_20180101T124911.SAFE"


@pytest.fixture(scope="session")
def scene() -> "Scene":
    """Two dates, L1C and L2A, as SAFE folders; read only. What else there is: `support/scenes.py`."""
    from support.scenes import built_scene

    return built_scene()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting, key or home of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("S2KIT_", "AWS_", "CDSE_", "DHUS_")) or name in {
            "USER_SENTINEL_HUB",
            "PASS_SENTINEL_HUB",
            "DATASET_PATH",
            "LOCAL_TMP_BUCKET",
        }:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home", numbered=True)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # the folders of the tests are trusted: their settings name servers on loopback, as a user's own would
    monkeypatch.setenv("S2KIT_TRUSTED_FOLDERS", f"{tmp_path_factory.getbasetemp()}/*")


_LEAVE = (SKIP_PREFIX, POSTGIS_SKIP_PREFIX, NAMESPACE_SKIP_PREFIX, NODE_SKIP_PREFIX)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a test was skipped for any other reason than those that begin as in `_LEAVE`."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    unexpected = [
        report.nodeid
        for report in reporter.stats.get("skipped", [])
        if not any(prefix in str(report.longrepr) for prefix in _LEAVE)
    ]
    if unexpected:
        reporter.write_line(f"skipped without leave: {', '.join(unexpected)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
