"""One open service for all tests that only ask."""

from collections.abc import Iterator

import pytest

from s2kit.serve.users import UserStore
from support.scenes import built_scene
from support.service import Service, running, write_settings


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    scene = built_scene()
    with running(folder, write_settings(folder, scene.folder, scene.parcels)) as started:
        yield started


@pytest.fixture(scope="package")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two users."""
    folder = tmp_path_factory.mktemp("closed")
    users = UserStore(folder / "state")
    users.add("anna", "anna's password")
    users.add("otto", "otto's password")
    scene = built_scene()
    with running(folder, write_settings(folder, scene.folder, scene.parcels)) as service:
        yield service
