"""One case of each kind of the long run; `python -m support.chaos` has as many as wanted."""

import os

import pytest

from support.chaos import KINDS, run_case

SEEDS = range(10) if os.environ.get("S2KIT_FULL_MATRIX") else range(1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wrong_and_nothing_is_lost(kind, seed, s3_server, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    case = run_case(kind, f"suite-{seed}", s3_server)
    assert (case.outcome, case.message) == ("right", "")
